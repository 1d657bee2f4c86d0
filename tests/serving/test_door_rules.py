"""What passes the door is a fixed list; everything else is one clear line."""

import grpc
import psutil
import pytest
from tritonclient.grpc import service_pb2

from any2caption.serving import contract
from any2caption.serving.door import rules
from any2caption.serving.door.rules import Refused
from any2caption.serving.steps import cancellation

TOKEN = "0" * 32


def element(data):
    return len(data).to_bytes(4, "little") + data


def request(model="any2caption", name="TEXT", data=(b"hello",), **fields):
    message = service_pb2.ModelInferRequest(model_name=model, **fields)
    tensor = message.inputs.add(name=name, datatype="BYTES")
    tensor.shape.append(len(data))
    message.raw_input_contents.append(b"".join(map(element, data)))
    return message


def passed(message):
    data = rules.checked_inference(message.SerializeToString(), TOKEN)
    return service_pb2.ModelInferRequest.FromString(data)


def refused(message):
    with pytest.raises(Refused) as caught:
        passed(message)
    return caught.value


@pytest.mark.parametrize("ensemble", contract.ensembles(), ids=lambda ensemble: ensemble.name)
def test_public_request_passes_unchanged_but_for_its_token(ensemble):
    sent = request(ensemble.name)
    sent.outputs.add(name="CAPTION")
    got = passed(sent)
    assert got.parameters.pop(cancellation.PARAMETER).string_param == TOKEN
    assert got == sent


@pytest.mark.parametrize(
    "model",
    ["decoder", "preprocess", "decoder-r7", "any2caption-r7", "", "any2caption/", "ANY2CAPTION"],
)
def test_inner_and_release_named_models_do_not_exist_for_clients(model):
    refusal = refused(request(model))
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    assert str(refusal) == f"model {model!r} is not public; there are any2caption, any2video"
    for message in (service_pb2.ModelReadyRequest, service_pb2.ModelMetadataRequest):
        with pytest.raises(Refused, match="not public"):
            rules.checked_model(message(name=model).SerializeToString(), message)


@pytest.mark.parametrize("name", ["sequence_id", "priority", "timeout", cancellation.PARAMETER])
def test_parameters_of_a_request_are_a_fixed_list(name):
    message = request()
    message.parameters[name].string_param = "1"
    refusal = refused(message)
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    assert name in str(refusal)


@pytest.mark.parametrize("name", ["shared_memory_region", "shared_memory_byte_size", "any"])
@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_tensors_never_name_shared_memory(side, name):
    message = request()
    message.outputs.add(name="CAPTION")
    getattr(message, side)[0].parameters[name].string_param = "triton_python_backend_shm_region_1"
    refusal = refused(message)
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    assert name in str(refusal)


def spoilt(change):
    message = request()
    change(message)
    return message


def typed(*elements, **others):
    """A request in the protocol's other form, which names the type of its contents."""
    message = request()
    del message.raw_input_contents[:]
    contents = service_pb2.InferTensorContents(bytes_contents=elements, **others)
    message.inputs[0].contents.CopyFrom(contents)
    return message


def test_both_forms_of_contents_are_the_same_to_triton():
    assert passed(typed(b"hello")) == passed(request(data=[b"hello"]))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (request(name="INPUT_IDS"), "INPUT_IDS: unknown or repeated input"),
        (request(data=[b""] * 1025), "1025 elements"),
        (request(id="x" * 300), "longer than 256"),
        (spoilt(lambda m: m.inputs.add(name="TEXT", datatype="BYTES", shape=[1])), "repeated"),
        (spoilt(lambda m: m.raw_input_contents.append(b"")), "2 contents for 1 inputs"),
        (spoilt(lambda m: m.inputs[0].shape.append(2**62)), "expected BYTES of shape"),
        (spoilt(lambda m: m.inputs[0].shape.__setitem__(0, 2**62)), "elements"),
        (spoilt(lambda m: m.inputs[0].shape.__setitem__(0, -1)), "-1 elements"),
        (spoilt(lambda m: setattr(m.inputs[0], "datatype", "FP32")), "expected BYTES"),
        (spoilt(lambda m: m.inputs[0].contents.bytes_contents.append(b"x")), "the contents are"),
        (typed(b"x", b"y"), "not 1 elements"),
        (typed(int64_contents=[1]), "the contents are"),
        (typed(b"x", int64_contents=[1]), "the contents are"),
        (spoilt(lambda m: m.raw_input_contents.__setitem__(0, b"\xff\xff\xff\xffx")), "contents"),
        (spoilt(lambda m: m.raw_input_contents.__setitem__(0, b"\x00")), "contents"),
        (
            spoilt(lambda m: m.outputs.add(name="input_ids")),
            "input_ids: unknown or repeated output",
        ),
        (spoilt(lambda m: [m.outputs.add(name="INFO") for _ in range(2)]), "repeated output"),
        (typed(bytes(9 << 20)), "more than 8 MB outside raw_input_contents"),
    ],
)
def test_malformed_tensors_never_reach_triton(message, said):
    refusal = refused(message)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert said in str(refusal)
    assert len(str(refusal)) < 600


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff",  # ends within a number
        b"\xff" * 20,
        b"\x0a\x05abc",  # ends within a string
        b"\x0b\x0c",  # a group
        b"\x0a\x02\xff\xfe",  # a name that is not UTF-8
        b"\x2a\x03\x0a\x05a",  # a tensor that ends within its name
    ],
)
def test_bytes_that_are_no_message_are_refused(data):
    with pytest.raises(Refused, match="the message") as caught:
        rules.checked_inference(data, TOKEN)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT


def test_a_message_that_would_unfold_is_never_parsed():
    before = psutil.Process().memory_info().rss
    for field in (b"\x2a\x00", b"\x32\x00", b"\x3a\x00", b"\x22\x00"):
        with pytest.raises(Refused, match="more than 512 fields"):
            rules.checked_inference(field * 8_000_000, TOKEN)
    assert psutil.Process().memory_info().rss - before < 100 << 20


def test_unknown_fields_are_dropped():
    data = request().SerializeToString() + bytes([0xF8, 0x07, 0x01])  # field 127
    got = rules.checked_inference(data, TOKEN)
    assert got == rules.checked_inference(request().SerializeToString(), TOKEN)


@pytest.mark.parametrize(
    "details",
    [
        "Failed to increase the memory pool size for key 'triton_python_backend_shm_region_1'",
        "failed to connect to all addresses; last error: unix:/home/someone/grpc:0: no such file",
    ],
)
def test_errors_name_no_memory_and_no_path(details):
    assert "shm_region" not in rules.shown(details)
    assert "/home" not in rules.shown(details)
    assert rules.shown("a.png: width: 0") == "a.png: width: 0"
