"""The gRPC proxy itself: admit, read, check, ask Triton, answer.

Every method is handled as a stream, so that a body is read only after its request was admitted. A
client that leaves does not free its slot: Triton still works for it, until the step sees the flag.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

import grpc
from grpc import aio
from tritonclient.grpc import service_pb2

from any2caption.serving.control import key_header
from any2caption.serving.door import rules
from any2caption.serving.door.admission import Admission, Full, Place
from any2caption.serving.errors import RETRY_HEADER, is_rejection
from any2caption.serving.steps.cancellation import CancelFlags, new_token
from any2caption.serving.steps.progress import StepLog
from any2caption.settings import Door

TRITON = "/inference.GRPCInferenceService"
HEALTH = "/grpc.health.v1.Health"
_BODY_SECONDS = 20.0  # to send a request's body
_ROOM_SECONDS = 2.0  # to wait for bytes of others
_QUICK_SECONDS = 5.0  # for health and the like
_QUICK_CALLS = 64
_GRACE_SECONDS = 30.0  # for Triton to end what its client gave up
_SWEEP_SECONDS = 60.0
_TELL_SECONDS = 0.5  # between two messages of a stream

Handler = Callable[[Any, Any], Awaitable[None]]


class Proxy(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Handlers of the methods that exist for clients; `channel` leads to Triton."""

    def __init__(self, channel: aio.Channel, key: str, limits: Door, flags: CancelFlags) -> None:
        self._channel, self._limits, self._flags = channel, limits, flags
        self._key = tuple(key_header(key).items())
        largest = limits.message_megabytes << 20
        self.inference = Admission(limits.requests, limits.megabytes << 20, largest)
        self.quick = Admission(_QUICK_CALLS, 2 * largest, largest)
        self._running: set[asyncio.Task[bytes]] = set()
        self._handlers: dict[str, Handler] = {
            f"{TRITON}/ModelInfer": self._infer,
            f"{TRITON}/ModelStreamInfer": self._infer_telling,
            f"{TRITON}/ServerLive": self._bare(f"{TRITON}/ServerLive"),
            f"{TRITON}/ServerReady": self._bare(f"{TRITON}/ServerReady"),
            f"{TRITON}/ModelReady": self._about(
                f"{TRITON}/ModelReady", service_pb2.ModelReadyRequest
            ),
            f"{TRITON}/ModelMetadata": self._about(
                f"{TRITON}/ModelMetadata", service_pb2.ModelMetadataRequest
            ),
            f"{HEALTH}/Check": self._bare(f"{HEALTH}/Check"),
            f"{HEALTH}/Watch": self._watch,
        }

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a method; of any other, the one that refuses it."""
        method = handler_call_details.method
        handler = self._handlers.get(method) or self._refusing(method)
        return grpc.stream_stream_rpc_method_handler(_answering(handler))

    async def sweep(self) -> None:
        """Remove old flags, for ever."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            with suppress(OSError):
                self._flags.sweep(2 * self._limits.seconds + _GRACE_SECONDS)

    async def _infer(self, _requests: Any, context: Any) -> None:
        await context.write(await self._answer(context, new_token()))

    async def _infer_telling(self, _requests: Any, context: Any) -> None:
        """Answer the one request of a stream; until then say which steps work on it."""
        token, answered = new_token(), asyncio.Event()
        log = StepLog(self._flags.folder)
        log.follow(token)
        telling = asyncio.create_task(_tell(log, token, context, answered))
        try:
            answer = await self._answer(context, token)
        finally:
            answered.set()  # a write that was cancelled would end the stream
            await asyncio.wait([telling])
            log.forget(token)
        await context.write(rules.streamed(answer))

    async def _answer(self, context: Any, token: str) -> bytes:
        """Admit and read a request, and have Triton answer it."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + self._limits.seconds
        place = self.inference.enter()
        work = None
        try:
            data = rules.checked_inference(await self._read(context, place), token)
            seconds = limit - loop.time()
            headers = _forwarded(context.invocation_metadata())
            work = asyncio.create_task(
                self._ask(f"{TRITON}/ModelInfer", data, seconds + _GRACE_SECONDS, headers)
            )
            del data
            self._running.add(work)
            work.add_done_callback(self._running.discard)
            async with asyncio.timeout(seconds):
                answer = await asyncio.shield(work)
        except (asyncio.CancelledError, TimeoutError) as error:
            self._flags.set(token)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise rules.Refused(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"not answered within {self._limits.seconds:.0f} s, the most that is allowed",
            ) from error
        finally:
            if work is None or work.done():
                place.leave()
            else:
                work.add_done_callback(lambda done: _over(done, place))
        return answer

    async def _read(self, context: Any, place: Place, seconds: float = _BODY_SECONDS) -> bytes:
        """Read a request's only message once there is room for any."""
        await place.reserve(_ROOM_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                data = await context.read()
        except TimeoutError as error:
            raise rules.Refused(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"the request's body did not arrive within {seconds:.0f} s",
            ) from error
        if not isinstance(data, bytes):
            raise rules.malformed("the request has no message")
        place.keep(len(data))
        return data

    def _about(self, method: str, message: Any) -> Handler:
        """Return a handler of a question about one model."""

        async def handler(_requests: Any, context: Any) -> None:
            place = self.quick.enter()
            try:
                body = await self._read(context, place, _QUICK_SECONDS)
                data = rules.checked_model(body, message)
                await context.write(await self._ask(method, data, _QUICK_SECONDS))
            finally:
                place.leave()

        return handler

    def _bare(self, method: str) -> Handler:
        """Return a handler of a question without content: the client's message is not read."""

        async def handler(_requests: Any, context: Any) -> None:
            place = self.quick.enter()
            try:
                await context.write(await self._ask(method, b"", _QUICK_SECONDS))
            finally:
                place.leave()

        return handler

    async def _watch(self, _requests: Any, _context: Any) -> None:
        raise rules.Refused(grpc.StatusCode.UNIMPLEMENTED, "ask Check; Triton offers no Watch")

    @staticmethod
    def _refusing(method: str) -> Handler:
        async def handler(_requests: Any, _context: Any) -> None:
            raise rules.method_refused(method)

        return handler

    async def _ask(
        self, method: str, data: bytes, seconds: float, headers: Iterable[tuple[str, str]] = ()
    ) -> bytes:
        call = self._channel.unary_unary(method)
        answer: bytes = await call(data, timeout=seconds, metadata=(*self._key, *headers))
        return answer


def _answering(handler: Handler) -> Handler:
    """Turn refusals and Triton's errors into statuses."""

    async def answer(requests: Any, context: Any) -> None:
        try:
            await handler(requests, context)
        except rules.Refused as refusal:
            await context.abort(refusal.code, str(refusal))
        except Full as full:
            hint = str(round(full.seconds * 1000))
            trailing = ((RETRY_HEADER, hint), ("grpc-retry-pushback-ms", hint))
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(full), trailing)
        except aio.AioRpcError as error:
            code, said = error.code(), rules.shown(error.details() or "")
            if code is grpc.StatusCode.INVALID_ARGUMENT and is_rejection(said):
                code = grpc.StatusCode.FAILED_PRECONDITION
            # gRPC's error and its call hold each other, and by the traceback's frames the request's
            # body too, until the garbage collector comes by.
            traceback.clear_frames(error.__traceback__)
            await context.abort(code, said)

    return answer


async def _tell(log: StepLog, token: str, context: Any, answered: asyncio.Event) -> None:
    """Say twice a second which steps work on a request, until it is answered."""
    while not answered.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(answered.wait(), _TELL_SECONDS)
            return
        await context.write(rules.progress(log.running(token)))


def _forwarded(metadata: Iterable[tuple[str, str]] | None) -> list[tuple[str, str]]:
    return [(name, value) for name, value in metadata or () if name in rules.HEADERS]


def _over(work: asyncio.Task[bytes], place: Place) -> None:
    """Free the place of a client that left before Triton was done."""
    place.leave()
    if not work.cancelled():
        work.exception()  # nobody is left to be told


async def serve(listen: str, inner: str, key: str, limits: Door, flags: CancelFlags) -> None:
    """Stand in front of Triton until cancelled; `listen` is an address, `inner` Triton's.

    Raises:
        RuntimeError: the address is taken.
    """
    flags.prepare()
    channel = aio.insecure_channel(
        inner,
        options=[
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            # After a restart of Triton the door is back at once.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ],
    )
    server = aio.server(
        options=[
            ("grpc.max_receive_message_length", limits.message_megabytes << 20),
            ("grpc.max_send_message_length", -1),
            # A small compressed message could unfold to any size.
            ("grpc.compression_enabled_algorithms_bitset", 1),
            # No second program may share the port and take part of the requests.
            ("grpc.so_reuseport", 0),
            ("grpc.max_concurrent_streams", 128),
            # Adaptive windows would let waiting clients send megabytes ahead.
            ("grpc.http2.bdp_probe", 0),
            ("grpc.http2.lookahead_bytes", 256 << 10),
        ],
        maximum_concurrent_rpcs=1024,
    )
    proxy = Proxy(channel, key, limits, flags)
    server.add_generic_rpc_handlers((proxy,))
    server.add_insecure_port(listen)
    await server.start()
    sweeping = asyncio.create_task(proxy.sweep())
    try:
        await server.wait_for_termination()
    finally:
        sweeping.cancel()
        await server.stop(5.0)
        await channel.close()
