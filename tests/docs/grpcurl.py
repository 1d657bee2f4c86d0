"""What the pages ask of grpcurl: a call of the KServe v2 protocol in JSON, sent and printed.

    python grpcurl.py -plaintext -proto FILE -d JSON HOST:PORT SERVICE/METHOD

The messages are those of `tritonclient`, made from the same proto files.
"""

import argparse
import sys

import grpc
from google.protobuf import json_format
from tritonclient.grpc import service_pb2


def main():
    """Send the request; a wrong one is an error, as it is for grpcurl."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-plaintext", action="store_true", required=True)
    parser.add_argument("-proto", required=True)
    parser.add_argument("-d", dest="data", required=True)
    parser.add_argument("address")
    parser.add_argument("method")
    given = parser.parse_args()
    name = given.method.rpartition("/")[2]
    request = json_format.Parse(given.data, getattr(service_pb2, f"{name}Request")())
    with grpc.insecure_channel(given.address) as channel:
        answer = channel.unary_unary(
            f"/{given.method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=getattr(service_pb2, f"{name}Response").FromString,
        )(request, timeout=60)
    sys.stdout.write(json_format.MessageToJson(answer))


if __name__ == "__main__":
    main()
