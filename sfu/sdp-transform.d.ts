/** The part of sdp-transform that this folder uses; the package brings no types. */
declare module 'sdp-transform' {
  export interface SdpRtp {
    payload: number;
    codec: string;
    rate?: number;
    encoding?: number;
  }
  export interface SdpFingerprint {
    type: string;
    hash: string;
  }
  export interface SdpCandidate {
    foundation: string;
    component: number;
    transport: string;
    priority: number | string;
    ip: string;
    port: number;
    type: string;
    tcptype?: string;
  }
  export interface SdpAttributes {
    direction?: string;
    setup?: string;
    iceUfrag?: string;
    icePwd?: string;
    fingerprint?: SdpFingerprint;
    ext?: { value: number; uri: string; direction?: string }[];
  }
  export interface SdpMedia extends SdpAttributes {
    type: string;
    port: number;
    protocol: string;
    payloads?: string | number;
    connection?: { version: number; ip: string };
    mid?: string;
    rtcpMux?: string;
    rtcpRsize?: string;
    bundleOnly?: string;
    rtp: SdpRtp[];
    fmtp: { payload: number; config: string }[];
    rtcpFb?: { payload: number | string; type: string; subtype?: string }[];
    ssrcs?: { id: number | string; attribute: string; value?: string }[];
    ssrcGroups?: { semantics: string; ssrcs: string }[];
    rids?: { id: number | string; direction: string }[];
    simulcast?: object;
    msid?: { id: string; appdata?: string }[];
    candidates?: SdpCandidate[];
    endOfCandidates?: string;
  }
  export interface SdpSession extends SdpAttributes {
    version?: number;
    origin?: {
      username: string;
      sessionId: number | string;
      sessionVersion: number;
      netType: string;
      ipVer: number;
      address: string;
    };
    name?: string;
    timing?: { start: number; stop: number };
    icelite?: string;
    iceOptions?: string;
    groups?: { type: string; mids: string }[];
    msidSemantic?: { semantic: string; token: string };
    media: SdpMedia[];
  }
  export function parse(sdp: string): SdpSession;
  export function write(session: SdpSession): string;
  export function parseParams(config: string): Record<string, string | number>;
}
