"""Which steps work on a request until it is answered, told by the door or by this process.

A request of KServe's `ModelStreamInfer` is answered by several messages: the last one is what
`ModelInfer` answers; those before have no outputs but the parameter `a2c_running`, the names of the
steps at work.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

from any2caption.errors import A2CError, CancelledError
from any2caption.serving.errors import RETRY_HEADER, BusyError, translated

RUNNING = "a2c_running"
Follow = Callable[[Sequence[str]], bool]
"""Gets the names of the steps at work, about twice a second; returns whether to go on."""
STAGES = (
    "reading the inputs and finding their facts",
    "writing a draft",
    "holding the draft to the facts",
    "rendering the caption",
)
STAGE_OF = {"preprocess": 0, "check": 2, "previs": 3}
_METHOD = "ModelStreamInfer"
_ANY_LENGTH = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


def stage(running: Sequence[str]) -> int:
    """Return the place in `STAGES` of a request that these steps work on.

    The encoders, the decoder and the endpoint are the writers.
    """
    return max((STAGE_OF.get(step, 1) for step in running), default=0)


class NotFollowedError(A2CError):
    """The door is of a version that streams nothing; `ModelInfer` answers."""


def infer(
    url: str, model: str, inputs: Mapping[str, Sequence[bytes]], seconds: float, follow: Follow
) -> Any:
    """Ask the door at `url` for a model's answer, and tell which steps work on it.

    `inputs` are byte strings by the name of their input, `seconds` the most that it may take.

    Raises:
        NotFollowedError: the door tells no progress.
        CancelledError: `follow` said to stop; the steps are told to.
        A2CError: as `TritonControl.infer`.
    """
    import grpc
    from tritonclient.grpc import InferResult, service_pb2

    request = service_pb2.ModelInferRequest(model_name=model)
    for name, elements in inputs.items():
        request.inputs.add(name=name, datatype="BYTES", shape=[len(elements)])
        lengths = (len(one).to_bytes(4, "little") + one for one in elements)
        request.raw_input_contents.append(b"".join(lengths))
    with closing(grpc.insecure_channel(url, options=_ANY_LENGTH)) as channel:
        call = channel.stream_stream(
            f"/inference.GRPCInferenceService/{_METHOD}",
            request_serializer=service_pb2.ModelInferRequest.SerializeToString,
            response_deserializer=service_pb2.ModelStreamInferResponse.FromString,
        )(iter([request]), timeout=seconds)
        try:
            for message in call:
                answer = message.infer_response
                if answer.outputs:
                    return InferResult(answer)
                if not follow(answer.parameters[RUNNING].string_param.split()):
                    raise CancelledError("the request was cancelled")
        except grpc.RpcError as error:
            raise _translated(url, model, error) from error
        finally:
            call.cancel()
    raise A2CError(f"{url}: the stream ended without an answer")


def _translated(url: str, model: str, error: Any) -> A2CError:
    details = error.details() or ""
    hint = dict(error.trailing_metadata() or ()).get(RETRY_HEADER, "")
    if hint.isdigit():
        return BusyError(f"{url}: {details}", int(hint) / 1000)
    if _METHOD in details:
        return NotFollowedError(details)
    return translated(str(error.code()), details, model=model)
