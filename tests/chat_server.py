"""SmolLM2 behind OpenAI's chat completions: a real endpoint for tests, on the loopback address.

It takes `messages` (of content parts the text alone: it sees no pictures), `max_tokens` and
`response_format`, and answers greedily; under a JSON schema every answer fits it, with strings of
`STRING` characters at most, so that a model that never stops by itself still ends.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import llguidance
import llguidance.numpy as masks
import numpy as np
import torch
from transformers import DynamicCache

from any2caption.model.backbones import run_language
from any2caption.model.presets import SMOL
from any2caption.model.weights import from_pretrained

MODEL = "smollm2-135m-instruct"
STRING = 60
PLACES = 1500
"""Prompt tokens that are read: of a longer prompt the end."""


class ChatModel:
    """The model, one request at a time."""

    def __init__(self, weights: Path) -> None:
        model, self.processor = from_pretrained(str(weights), SMOL)
        self.model = model.eval()
        self.size = model.config.text.vocab_size
        self.tokens = llguidance.LLTokenizer(
            self.processor.tokenizer.to_str(), n_vocab=self.size, eos_token=self.processor.end_id
        )
        self._lock = threading.Lock()
        self.asked: list[dict[str, Any]] = []

    def answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a chat completion."""
        self.asked.append(dict(body))
        prompt = self._prompt(body["messages"])[-PLACES:]
        form = body.get("response_format") or {}
        matcher = None
        if form.get("type") == "json_schema":
            schema = bounded(form["json_schema"]["schema"])
            grammar = llguidance.LLMatcher.grammar_from_json_schema(
                json.dumps(schema), overrides={"whitespace_flexible": False}
            )
            matcher = llguidance.LLMatcher(self.tokens, grammar)
        with self._lock:
            written, ended = self._write(prompt, matcher, int(body.get("max_tokens") or 256))
        return {
            "object": "chat.completion",
            "model": MODEL,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": self.processor.decode(written)},
                    "finish_reason": "stop" if ended else "length",
                }
            ],
            "usage": {"prompt_tokens": len(prompt), "completion_tokens": len(written)},
        }

    def _prompt(self, messages: Sequence[Mapping[str, Any]]) -> list[int]:
        tokenizer = self.processor.tokenizer
        start, end = (tokenizer.token_to_id(f"<|im_{one}|>") for one in ("start", "end"))
        ids = []
        for message in messages:
            said = f"{message['role']}\n{text_of(message['content'])}"
            ids += [start, *tokenizer.encode(said).ids, end, *tokenizer.encode("\n").ids]
        return [*ids, start, *tokenizer.encode("assistant\n").ids]

    @torch.inference_mode()
    def _write(
        self, prompt: Sequence[int], matcher: "llguidance.LLMatcher | None", most: int
    ) -> tuple[list[int], bool]:
        cache, written, step = DynamicCache(), list[int](), list(prompt)
        bits = masks.allocate_token_bitmask(1, self.size)
        for _ in range(most):
            at = torch.arange(cache.get_seq_length(), cache.get_seq_length() + len(step))
            hidden = run_language(
                self.model.language,
                self.model.mllm.get_input_embeddings()(torch.tensor([step])),
                position_ids=at.expand(3, 1, -1),
                past_key_values=cache,
                use_cache=True,
            )
            scores = self.model.logits(hidden[0, -1]).numpy()
            if matcher is not None:
                masks.fill_next_token_bitmask(matcher, bits, 0)
                allowed = np.unpackbits(bits[0].view(np.uint8), bitorder="little").astype(bool)
                scores = np.where(allowed[: self.size], scores, -np.inf)
            best = int(scores.argmax())
            if best == self.processor.end_id:
                return written, True
            written.append(best)
            if matcher is not None:
                matcher.consume_token(best)
                if matcher.is_stopped():
                    return written, True
            step = [best]
        return written, False


def text_of(content: Any) -> str:
    """Return the text of a message's content, which may be parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part.get("type") == "text")


def bounded(schema: Any) -> Any:
    """Return a JSON schema whose strings are short."""
    if isinstance(schema, list):
        return [bounded(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: bounded(value) for key, value in schema.items()}
    if found.get("type") == "string" and not {"enum", "const", "pattern"} & found.keys():
        found["maxLength"] = min(STRING, found.get("maxLength", STRING))
    return found


@contextmanager
def chat_server(model: ChatModel) -> Iterator[str]:
    """Serve the model on a free port; yields the address that ends in /v1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = self.path == "/v1/chat/completions"
            content = model.answer(body) if known else {"error": {"message": "no such path"}}
            data = json.dumps(content).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
