/**
 * A browser's own full screen shows a video and nothing over it but captions: there the badge of a dub is one, in the
 * upper corner. Lasts as long as the video.
 */
export class FullscreenBadge {
  /** Not one of the captions that a viewer chooses. */
  readonly track: TextTrack;
  #isDub = false;
  #isAlone = false;

  constructor(video: HTMLVideoElement, text: string) {
    this.track = video.addTextTrack('captions', text, 'en');
    const cue = new VTTCue(0, Number.MAX_SAFE_INTEGER, text);
    Object.assign(cue, {
      snapToLines: false,
      line: 4,
      position: 2,
      positionAlign: 'line-left',
      align: 'start',
    });
    this.track.mode = 'hidden';
    this.track.addCue(cue);
    this.#show();
    const root = video.getRootNode() as Document | ShadowRoot;
    video.addEventListener('fullscreenchange', () => this.#setAlone(root.fullscreenElement === video));
    // Safari on phones has a full screen of its own.
    video.addEventListener('webkitbeginfullscreen', () => this.#setAlone(true));
    video.addEventListener('webkitendfullscreen', () => this.#setAlone(false));
  }

  /** Whether a dub is heard. */
  setDub(isDub: boolean): void {
    this.#isDub = isDub;
    this.#show();
  }

  #setAlone(isAlone: boolean): void {
    this.#isAlone = isAlone;
    this.#show();
  }

  #show(): void {
    this.track.mode = this.#isDub && this.#isAlone ? 'showing' : 'disabled';
  }
}
