import { ageMs, READ_HEIGHT, READ_WIDTH, read } from './stamp.mjs';
import { wallMs } from './wall.mjs';

/**
 * Shows a received picture and reads every frame that is shown. A frame's time is when it is expected on the screen
 * (`requestVideoFrameCallback`, `expectedDisplayTime`).
 */
export class PictureWatch {
  #video;
  #context;
  #open = true;
  /** Age of each readable picture, ms. */
  #ages = [];
  /** Wall times at which a flash appeared. */
  #flashes = [];
  #wasFlash = true;
  #damaged = 0;

  constructor(track) {
    this.#video = Object.assign(document.createElement('video'), {
      autoplay: true,
      muted: true,
      playsInline: true,
      srcObject: new MediaStream([track]),
    });
    document.body.append(this.#video);
    const canvas = Object.assign(document.createElement('canvas'), {
      width: READ_WIDTH,
      height: READ_HEIGHT,
    });
    this.#context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
    this.#next();
  }

  figures() {
    return { agesMs: this.#ages, flashesMs: this.#flashes, damaged: this.#damaged };
  }

  /** Forgets what was seen. */
  restart() {
    this.#ages = [];
    this.#flashes = [];
    this.#damaged = 0;
  }

  close() {
    this.#open = false;
    this.#video.srcObject = null;
    this.#video.remove();
  }

  #next() {
    this.#video.requestVideoFrameCallback((_now, { expectedDisplayTime }) => {
      if (!this.#open) return;
      const seenMs = wallMs(expectedDisplayTime);
      this.#context.drawImage(this.#video, 0, 0, READ_WIDTH, READ_HEIGHT);
      const { atMs, flash } = read(this.#context.getImageData(0, 0, READ_WIDTH, READ_HEIGHT).data);
      if (atMs === undefined) this.#damaged += 1;
      else {
        this.#ages.push(ageMs(atMs, seenMs));
        if (flash && !this.#wasFlash) this.#flashes.push(seenMs);
        this.#wasFlash = flash;
      }
      this.#next();
    });
  }
}
