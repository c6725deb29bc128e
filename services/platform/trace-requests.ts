/**
 * A span for every request that an HTTP server answers, under the caller's where it sends a `traceparent`. Of what was
 * sent, a span has the method and the route as it was declared, as the log has: no path, no header, no value.
 */
import { type Context, context, defaultTextMapGetter, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PROBES } from './request-log.ts';
import type { Tracing } from './tracing.ts';

const SERVER_ERROR_MIN = 500;

/** To be called before any other hook is added: what they log and ask is under the request's span. */
export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  const contexts = new WeakMap<FastifyRequest, Context>();
  app.addHook('onRequest', (request, reply, done) => {
    if (PROBES.test(request.routeOptions.url ?? '')) return done();
    const own = begin(tracing, request, reply);
    contexts.set(request, own);
    context.with(own, done);
  });
  // A body comes in on the connection's own turn, which knows of no request.
  app.addHook('preValidation', (request, _reply, done) => {
    context.with(contexts.get(request) ?? context.active(), done);
  });
}

function begin({ tracer, propagator }: Tracing, request: FastifyRequest, reply: FastifyReply): Context {
  const { method } = request;
  const route = request.routeOptions.url;
  const caller = propagator.extract(context.active(), request.headers, defaultTextMapGetter);
  const attributes = {
    'http.request.method': method,
    'tally.request_id': request.id,
    ...(route === undefined ? {} : { 'http.route': route }),
  };
  const name = route === undefined ? method : `${method} ${route}`;
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, caller);
  reply.raw.once('close', () => {
    const { statusCode, writableFinished } = reply.raw;
    if (writableFinished) span.setAttribute('http.response.status_code', statusCode);
    else span.setAttribute('error.type', 'aborted');
    if (statusCode >= SERVER_ERROR_MIN) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  return trace.setSpan(caller, span);
}
