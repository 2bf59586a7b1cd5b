import { appendFile } from 'node:fs/promises';

const SOURCE_TYPES = 'http://cv.iptc.org/newscodes/digitalsourcetype/';

/** IPTC Digital Source Type of a dubbed track: all of its speech comes out of trained models. */
export const DUB_SOURCE_TYPE = `${SOURCE_TYPES}trainedAlgorithmicMedia`;

/** IPTC Digital Source Type of a file that holds dubbed tracks beside what a camera and a microphone took. */
export const DUBBED_FILE_SOURCE_TYPE = `${SOURCE_TYPES}compositeWithTrainedAlgorithmicMedia`;

/** What a file says of itself whose picture was moved to fit its dub. */
export const MOVED_LIPS_REMARK = 'The lips of people in the picture were moved by livedub to speak the dub.';

/** Which of a file's sound tracks are dubs, for people. */
export interface Disclosure {
  /** Titles of the dubbed tracks. */
  readonly dubs: readonly string[];
  /** Added at the end, e.g. that the file is a part only. */
  readonly remark?: string | undefined;
}

/** FFmpeg's arguments for the tags that players and editors show and keep. A file without a dub gets none. */
export function disclosureTags(disclosure: Disclosure): string[] {
  const { dubs, remark = '' } = disclosure;
  if (dubs.length === 0) return [];
  const made = 'Audio tracks marked "AI dub" are synthetic speech made from the original track by livedub.';
  return [
    ...['-metadata', `comment=${made}${remark}`],
    ...['-metadata', `description=${describe(disclosure)}`],
    ...['-metadata', `keywords=AI dub, ${DUBBED_FILE_SOURCE_TYPE}`],
  ];
}

/** Of a box of type `uuid`, what says that it holds XMP (ISO 16684-3). */
const XMP_BOX_ID = Buffer.from('be7acfcb97a942e89c71999491e3afac', 'hex');

/**
 * Says the same to machines: an XMP packet with IPTC's Digital Source Type, as the last box of an MP4. Nothing in the file
 * moves. Call it once; a file without a dub stays as it is.
 */
export async function appendDisclosure(mp4File: string, disclosure: Disclosure): Promise<void> {
  if (disclosure.dubs.length === 0) return;
  const packet = Buffer.from(xmpPacket(disclosure), 'utf8');
  const head = Buffer.alloc(8);
  head.writeUInt32BE(head.length + XMP_BOX_ID.length + packet.length);
  head.write('uuid', 4, 'latin1');
  await appendFile(mp4File, Buffer.concat([head, XMP_BOX_ID, packet]));
}

function describe({ dubs, remark = '' }: Disclosure): string {
  return `With AI dubs: ${dubs.join(', ')}. Digital source type: ${DUBBED_FILE_SOURCE_TYPE}${remark}`;
}

function xmpPacket(disclosure: Disclosure): string {
  return `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmp:CreatorTool="livedub">
   <Iptc4xmpExt:DigitalSourceType>${DUBBED_FILE_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
   <dc:description>
    <rdf:Alt><rdf:li xml:lang="x-default">${escapeXml(describe(disclosure))}</rdf:li></rdf:Alt>
   </dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>`;
}

function escapeXml(text: string): string {
  return text
    .replace(/\p{Cc}/gu, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
}
