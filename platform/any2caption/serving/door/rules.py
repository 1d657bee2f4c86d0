"""What may pass the door: pure decisions on messages, no network.

Only the public ensembles exist for clients. A request is parsed, checked against the contract and
written anew, so that Triton never sees a field that was not looked at here.
"""

from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from tritonclient.grpc import service_pb2

from any2caption.errors import A2CError
from any2caption.serving import contract
from any2caption.serving.following import RUNNING
from any2caption.serving.steps.cancellation import PARAMETER
from any2caption.serving.steps.request_parsing import MAX_FILES

MODELS = {ensemble.name: ensemble for ensemble in contract.ensembles()}
PARAMETERS: frozenset[str] = frozenset()  # of a request, that a client may set
HEADERS = ("traceparent", "tracestate")  # that go on to Triton (W3C trace context)
_LONGEST_ID = 256
_MOST_FIELDS = 512
_MOST_STRUCTURE = 8 << 20  # bytes of all but raw contents
_RAW_CONTENTS = 7  # number of ModelInferRequest's field raw_input_contents
_VARINT, _LENGTH = 0, 2  # kinds of protobuf's wire format
_VARINT_BYTES = 10
_SECRET_NAMES = ("shm_region", "triton_python_backend")


class Refused(A2CError):  # noqa: N818 - a verdict, not a fault
    """A call that does not pass, with the gRPC status that says so."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def denied(message: str) -> Refused:
    """Return the refusal of something that clients have no business with."""
    return Refused(grpc.StatusCode.PERMISSION_DENIED, message)


def malformed(message: str) -> Refused:
    """Return the refusal of a message that is wrong in itself."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def method_refused(method: str) -> Refused:
    """Return the refusal of a method that is not offered."""
    return denied(f"{method[:100]}: not offered here; clients reach ModelInfer and health")


def checked_model(data: bytes, message: Any) -> bytes:
    """Return a request about a model (field `name`), written anew.

    Raises:
        Refused: the model is not public.
    """
    request = _parsed(message, data)
    _require_public(request.name)
    return bytes(request.SerializeToString())


def checked_inference(data: bytes, token: str) -> bytes:
    """Return a ModelInferRequest for Triton that carries the cancellation token.

    Raises:
        Refused: another model, a parameter that is not on the list, shared memory, or tensors
            other than the contract's.
    """
    request = _parsed(service_pb2.ModelInferRequest, data)
    _require_public(request.model_name)
    if len(request.id) > _LONGEST_ID:
        raise malformed(f"id: longer than {_LONGEST_ID} characters")
    _require_parameters("request", request.parameters, PARAMETERS)
    _check_inputs(request)
    _check_outputs(request)
    request.parameters[PARAMETER].string_param = token
    return bytes(request.SerializeToString())


def progress(steps: Sequence[str]) -> bytes:
    """Return the message of a stream that says which steps work on its request."""
    told = service_pb2.ModelStreamInferResponse()
    told.infer_response.parameters[RUNNING].string_param = " ".join(steps)
    return bytes(told.SerializeToString())


def streamed(answer: bytes) -> bytes:
    """Return Triton's answer as the last message of a stream."""
    last = service_pb2.ModelStreamInferResponse()
    last.infer_response.MergeFromString(answer)
    return bytes(last.SerializeToString())


def shown(details: str) -> str:
    """Return Triton's error line as clients may see it: no name of memory, no path of a socket."""
    if "failed to connect" in details.lower():
        return "the server behind the door does not answer; try again"
    if any(name in details for name in _SECRET_NAMES):
        return "the server failed inside a step; see its log"
    return details


def _parsed(message: Any, data: bytes) -> Any:
    _measure(data)
    try:
        request = message.FromString(data)
    except DecodeError as error:
        raise malformed(f"the message is no {message.DESCRIPTOR.name}") from error
    request.DiscardUnknownFields()
    return request


def _measure(data: bytes) -> None:
    """Refuse a message that would unfold: two bytes can become a tensor of a hundred in memory.

    Only contents in the raw form may be large; they are kept as they are.
    """
    place = fields = structure = 0
    while place < len(data):
        start = place
        key, value = _varint(data, place)
        kind = key & 7
        if kind == _LENGTH:
            size, value = _varint(data, value)
            place = value + size
        elif kind == _VARINT:
            _, place = _varint(data, value)
        else:
            raise malformed("the message has fields of a kind that the protocol does not use")
        fields += 1
        structure += 0 if key >> 3 == _RAW_CONTENTS else place - start
        if fields > _MOST_FIELDS:
            raise malformed(f"the message has more than {_MOST_FIELDS} fields")
        if structure > _MOST_STRUCTURE:
            most = _MOST_STRUCTURE >> 20
            raise malformed(
                f"more than {most} MB outside raw_input_contents; send large files there"
            )
    if place != len(data):
        raise malformed("the message ends within a field")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Read protobuf's variable-length integer; return it and the place behind it."""
    number = 0
    for length, byte in enumerate(data[place : place + _VARINT_BYTES]):
        number |= (byte & 0x7F) << (7 * length)
        if not byte & 0x80:
            return number, place + length + 1
    raise malformed("the message ends within a number")


def _require_public(name: str) -> None:
    if name not in MODELS:
        public = ", ".join(sorted(MODELS))
        raise denied(f"model {name[:100]!r} is not public; there are {public}")


def _require_parameters(where: str, given: Any, allowed: frozenset[str] = frozenset()) -> None:
    unknown = sorted(set(given) - allowed)
    if unknown:
        raise denied(f"{where}: parameter {unknown[0][:100]!r} is not accepted")


def _check_inputs(request: Any) -> None:
    known = {tensor.name for tensor in MODELS[request.model_name].inputs}
    names = [tensor.name for tensor in request.inputs]
    for tensor in request.inputs:
        name = tensor.name[:100]
        if name not in known or names.count(name) > 1:
            raise malformed(f"{name}: unknown or repeated input; known are {', '.join(known)}")
        _require_parameters(name, tensor.parameters)
        if tensor.datatype != "BYTES" or len(tensor.shape) != 1:
            raise malformed(f"{name}: expected BYTES of shape [n]")
        if not 0 <= tensor.shape[0] <= MAX_FILES:
            raise malformed(f"{name}: {tensor.shape[0]} elements; 0 to {MAX_FILES} are accepted")
    if not request.raw_input_contents:
        request.raw_input_contents.extend([_taken(tensor) for tensor in request.inputs])
    if len(request.raw_input_contents) != len(names):
        raise malformed(f"{len(request.raw_input_contents)} contents for {len(names)} inputs")
    for tensor, raw in zip(request.inputs, request.raw_input_contents, strict=True):
        if tensor.HasField("contents") or _elements(raw, tensor.shape[0]) != tensor.shape[0]:
            raise malformed(f"{tensor.name}: the contents are not {tensor.shape[0]} elements")


def _taken(tensor: Any) -> bytes:
    """Move a tensor's `bytes_contents` into the raw form, the only one that Triton gets."""
    elements = [bytes(element) for element in tensor.contents.bytes_contents]
    tensor.contents.ClearField("bytes_contents")
    if not tensor.contents.ListFields():
        tensor.ClearField("contents")
    return b"".join(len(element).to_bytes(4, "little") + element for element in elements)


def _check_outputs(request: Any) -> None:
    known = {tensor.name for tensor in MODELS[request.model_name].outputs}
    names = [tensor.name for tensor in request.outputs]
    for tensor in request.outputs:
        name = tensor.name[:100]
        if name not in known or names.count(name) > 1:
            raise malformed(f"{name}: unknown or repeated output; known are {', '.join(known)}")
        _require_parameters(tensor.name, tensor.parameters)


def _elements(raw: bytes, most: int) -> int:
    """Count length-prefixed elements; -1 if they do not end where the contents end."""
    place = count = 0
    while place < len(raw) and count <= most:
        place += 4 + int.from_bytes(raw[place : place + 4], "little")
        count += 1
    return count if place == len(raw) else -1
