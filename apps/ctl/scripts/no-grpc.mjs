// Stands in for grpc-js in the bundle: the client mentions it, and this program passes a transport of its own.
const isLeftOut = () => {
  throw new Error("grpc-js is not part of this program");
};
export const status = {};
export const connectivityState = {};
export const credentials = { createInsecure: isLeftOut, createSsl: isLeftOut };
export class Client {
  constructor() {
    isLeftOut();
  }
}
export class Metadata {}
