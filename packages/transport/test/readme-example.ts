import { Code, createListener, GrpcServices, systemPorts } from "../src/index.js";

const services = new GrpcServices();
services.unary("/demo.Greeter/Greet", (call, message) => {
  const name = Buffer.from(message).toString(); // messages are bytes: bring any codec
  if (name === "") call.fail({ code: Code.InvalidArgument, message: "who?" });
  else call.reply(Buffer.from(`hello ${name}`));
});
services.bidi("/demo.Greeter/Chat", (call) => {
  call.onMessage((message) => call.send(Buffer.from(message).reverse())); // copied: a message is only there during the call
  call.onHalfClose(() => call.end());
});

const http = (request: Request): Response => new Response(`no gRPC at ${new URL(request.url).pathname}\n`);
export const listener = createListener({ services, http }, systemPorts());
export const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
console.log("serving");
