export type {
  CallEnd,
  CallInfo,
  CallKind,
  Interceptor,
  ServerStreamHandler,
  StreamCall,
  StreamHandler,
  UnaryCall,
  UnaryHandler,
} from "./grpc/call.js";
export { emptyMetadata, Metadata, type MetadataValue } from "./grpc/metadata.js";
export { GrpcServices, type Route } from "./grpc/registry.js";
export { Code, type Status } from "./grpc/status.js";
export type { HttpHandler, HttpInfo } from "./http/http-handler.js";
export type { PeerInfo } from "./http2/engine.js";
export { defaultLimits, type Limits } from "./limits.js";
export {
  createListener,
  type ListenAddress,
  type Listener,
  type ListenerOptions,
  type ListenerPorts,
  type ListenerStats,
} from "./listener/listener.js";
export { systemPorts } from "./listener/system-ports.js";
export type { TlsOptions } from "./listener/tls.js";
export type { PeerTls } from "./peers/channel.js";
export { defaultPeerLimits, type PeerLimits, peerListenerLimits } from "./peers/peer-limits.js";
export {
  createPeerNetwork,
  type GrpcPeerNetwork,
  type PeerNetworkOptions,
  type PeerNetworkPorts,
  type PeerNetworkStats,
} from "./peers/peer-network.js";
