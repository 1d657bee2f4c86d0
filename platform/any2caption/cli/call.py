"""`a2c caption`: a product team's call over gRPC, or the same answer made in this process."""

import json as jsonlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from any2caption.cli.stack import Bundle, Home, Json, Local
from any2caption.cli.terminal.console import put, put_json, say, working
from any2caption.conditions.roles import IMAGE_ROLES
from any2caption.errors import ConfigError, InputError, NotFoundError

if TYPE_CHECKING:
    from any2caption.captions.compiler import TokenCounter
    from any2caption.serving.client import Asked, CaptionResult, ConditionInput
    from any2caption.serving.following import Follow
    from any2caption.settings import Settings

_VIDEO_SUFFIX = ".mp4"
Files = Annotated[list[str] | None, typer.Option(metavar="PATH", help="File or folder of frames.")]


def caption(
    text: Annotated[str, typer.Option(help="Short prompt.")] = "",
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH[:ROLE]", help=f"Image; roles: {', '.join(IMAGE_ROLES)}."),
    ] = None,
    video: Files = None,
    depth: Files = None,
    pose: Files = None,
    motion: Files = None,
    camera: Files = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=PATH", help="A condition of any kind: sketch=drawing.png."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND.NAME=VALUE", help="What files do not say: depth.scale=5000."),
    ] = None,
    writer: Annotated[
        str,
        typer.Option(
            metavar="auto|compose|model|endpoint",
            help="The facts write, the model, or the server of A2C_WRITER_BASE_URL; "
            "auto: the model where it knows its way.",
        ),
    ] = "",
    mode: Annotated[
        str,
        typer.Option(
            metavar="off|fill|rewrite",
            help="Only what was stated; with what is missing; or all of it said anew.",
        ),
    ] = "",
    length: Annotated[str, typer.Option(metavar="short|medium|long")] = "",
    policy: Annotated[
        str,
        typer.Option(
            metavar="repair|warn|reject",
            help="What happens to sentences that contradict the request.",
        ),
    ] = "",
    generator: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="GENERATOR",
            help="Add the prompt that this generator reads: wan, ltx2, cosmos3, minimax …",
        ),
    ] = "",
    tokenizer: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With --for: the generator's tokenizer.json, to count."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show where each sentence comes from.")
    ] = False,
    local: Local = False,
    bundle: Bundle = None,
    video_out: Annotated[
        Path | None, typer.Option(help="Render the caption as a video too, to this MP4 file.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait.")] = 120.0,
    url: Annotated[str, typer.Option(help="host:port of Triton's gRPC endpoint.")] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Caption any mix of conditions; options can be repeated, numbered in the order given.

    [dim]a2c caption --text "a man turns" --pose walk/ --camera path.txt --image a.png:identity[/]
    """
    asked = choices(writer=writer, mode=mode, length=length, policy=policy, generator=generator)
    counter = token_counter(tokenizer) if tokenizer is not None else None
    if counter is not None and not generator:
        raise ConfigError("--tokenizer counts for a generator: name one with --for")
    options = parse_options(option or [])
    named = {
        "image": image,
        "video": video,
        "depth": depth,
        "pose": pose,
        "motion": motion,
        "camera": camera,
    }
    given = with_conditions(named, condition or [])
    if unused := sorted(set(options) - {kind for kind, paths in given.items() if paths}):
        raise ConfigError(f"--option {unused[0]}.…: there is no --{unused[0]} it could apply to")
    conditions = {
        kind: [parse_path(kind, one, options.get(kind, {})) for one in paths]
        for kind, paths in given.items()
        if paths
    }
    if local:
        if url:
            raise ConfigError("--local asks no server: leave out --url")
        with working("captioning in this process") as tell:
            result = answer_here(
                text,
                conditions,
                bundle=bundle,
                video_out=video_out,
                asked=asked,
                follow=telling(tell),
            )
    elif bundle is not None:
        raise ConfigError("--bundle goes with --local: a server has its release's bundle")
    else:
        from any2caption.stack import environment

        settings = environment.load_settings(home)
        with working(f"waiting for {url or settings.triton_url}") as tell:
            result = ask(
                settings,
                text,
                conditions,
                video_out=video_out,
                timeout=timeout,
                url=url,
                asked=asked,
                follow=telling(tell),
            )
    if counter is not None:
        recount(result, counter)
    if json:
        put_json(as_json(result, video_out))
    else:
        show_result(result, explain=explain)
        if video_out is not None:
            put(f"\nvideo: {video_out}")


def ask(
    settings: "Settings",
    text: str,
    conditions: "Mapping[str, list[ConditionInput]]",
    *,
    video_out: Path | None = None,
    timeout: float = 120.0,
    url: str = "",
    asked: "Asked | None" = None,
    follow: "Follow | None" = None,
) -> "CaptionResult":
    """Call the server; with `video_out`, write the rendered caption there."""
    from any2caption.serving.client import CaptionClient

    _require_mp4(video_out)
    with CaptionClient(url or settings.triton_url, timeout=timeout) as client:
        result = client.caption(
            text, conditions, video=video_out is not None, follow=follow, **(asked or {})
        )
    return _kept(result, video_out)


def answer_here(
    text: str,
    conditions: "Mapping[str, list[ConditionInput]]",
    *,
    bundle: Path | None = None,
    video_out: Path | None = None,
    asked: "Asked | None" = None,
    follow: "Follow | None" = None,
) -> "CaptionResult":
    """Answer in this process, as the server would; without a bundle the facts write."""
    from any2caption.serving.in_process import InProcess

    _require_mp4(video_out)
    asked = asked or {}
    if bundle is None and asked.get("writer") == "model":
        raise ConfigError("--writer model: in this process it needs --bundle DIR")
    try:
        with InProcess(bundle) as here:
            result = here.caption(
                text, conditions, video=video_out is not None, follow=follow, **asked
            )
    except ImportError as error:
        raise ConfigError(f"--bundle needs an environment with torch: {error}") from error
    return _kept(result, video_out)


def telling(tell: Callable[[str], None]) -> "Follow":
    """Return what tells a person how far a request is."""
    from any2caption.serving.following import STAGES, stage

    def follow(running: Sequence[str]) -> bool:
        tell(STAGES[stage(running)])
        return True

    return follow


def choices(**given: str) -> "Asked":
    """Return what was asked of the caption; what was left empty is not asked.

    Raises:
        InputError: an unknown choice; the message lists those there are.
    """
    from typing import cast

    from any2caption.grounding.options import Options

    asked = {name: value for name, value in given.items() if value}
    Options.read(asked)
    return cast("Asked", asked)


def token_counter(folder: Path) -> "TokenCounter":
    """Return what counts tokens as the `tokenizer.json` of a folder does, special ones aside.

    Raises:
        NotFoundError: there is no such file.
        ConfigError: the package `tokenizers` is not installed, or can't read the file.
    """
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise NotFoundError(f"--tokenizer {folder}: there is no tokenizer.json")
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ConfigError("--tokenizer needs the package tokenizers (extra serve)") from error
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the package raises nothing narrower
        raise ConfigError(f"{file}: not a tokenizer: {error}") from error
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def recount(result: "CaptionResult", counter: "TokenCounter") -> None:
    """Fit the answer's prompt to its generator anew, by the generator's own tokens."""
    from any2caption.captions.compiler import compile_for

    prompt = result.prompt
    if prompt is None:
        raise ConfigError("the server answered without a prompt: it does not know --for yet")
    kinds = [*prompt["takes"], *prompt["leaves"]]
    compiled = compile_for(prompt["generator"], result.caption, kinds=kinds, count_tokens=counter)
    result.info["prompt"] = compiled.as_json()


def _require_mp4(video_out: Path | None) -> None:
    if video_out is not None and video_out.suffix.lower() != _VIDEO_SUFFIX:
        raise InputError(
            "the video is an MP4: give a name that ends with .mp4", file=str(video_out)
        )


def _kept(result: "CaptionResult", video_out: Path | None) -> "CaptionResult":
    if video_out is not None and result.video is not None:
        video_out.parent.mkdir(parents=True, exist_ok=True)
        video_out.write_bytes(result.video)
    return result


def parse_path(kind: str, given: str, options: Mapping[str, Any]) -> "ConditionInput":
    """Read `PATH` or, for images, `PATH:ROLE`; errors name the file."""
    from any2caption.serving.client import ConditionInput

    path, role = Path(given), None
    if kind == "image" and not path.exists() and ":" in given:
        name, _, role = given.rpartition(":")
        path = Path(name)
        if role not in IMAGE_ROLES:
            raise InputError(
                f"unknown role {role!r}; accepted are {', '.join(IMAGE_ROLES)}",
                file=name,
                field="role",
            )
    if not path.exists():
        raise NotFoundError(f"--{kind} {path}: no such file or folder")
    return ConditionInput(path, role, dict(options))


def with_conditions(
    named: Mapping[str, list[str] | None], given: Iterable[str]
) -> dict[str, list[str]]:
    """Add `KIND=PATH` entries to the conditions that have a command-line option of their own."""
    from any2caption.conditions.registry import KINDS

    kinds = [kind for kind in KINDS if kind != "text"]
    merged = {kind: [*(paths or [])] for kind, paths in named.items()}
    for entry in given:
        kind, equals, path = entry.partition("=")
        kind = kind.replace("-", "_")
        if not (equals and path) or kind not in kinds:
            raise ConfigError(f"--condition {entry}: expected KIND=PATH, kinds {', '.join(kinds)}")
        merged.setdefault(kind, []).append(path)
    return merged


def parse_options(given: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Read `KIND.NAME=VALUE` entries; values are JSON where they can be, else text."""
    options: dict[str, dict[str, Any]] = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        kind, dot, field = name.partition(".")
        if not (equals and dot and kind and field):
            raise ConfigError(f"--option {entry}: expected KIND.NAME=VALUE, e.g. depth.scale=5000")
        try:
            parsed = jsonlib.loads(value)
        except ValueError:
            parsed = value
        options.setdefault(kind, {})[field] = parsed
    return options


def as_json(result: "CaptionResult", video_out: Path | None = None) -> dict[str, Any]:
    """The machine's form of an answer."""
    answer = {"caption": result.caption.model_dump(), "text": result.text, **result.info}
    if video_out is not None:
        report = {key: value for key, value in (result.report or {}).items() if key != "w2c"}
        answer["video"] = {"path": str(video_out), **report}
    return answer


def show_result(result: "CaptionResult", *, explain: bool = False) -> None:
    """Print the caption for people; what they should know goes to standard error.

    With `explain` the caption's papers follow it.
    """
    from any2caption.cli.terminal.explain import explained, prompted, summary

    put(result.text)
    if result.prompt is not None:
        put()
        put(prompted(result.prompt))
    if explain:
        put()
        put(explained(result))
    for kind in ("assumptions", "warnings"):
        for sentence in result.info.get(kind, []):
            say(f"{kind[:-1]}: {sentence}")
    if not explain:
        for sentence in summary(result):
            say(sentence)


def example_request(
    settings: "Settings",
    examples: Path,
    video_out: Path | None = None,
    asked: "Asked | None" = None,
) -> "CaptionResult":
    """Ask with the conditions that `examples/request.json` names."""
    text, conditions = example(examples)
    say(f"asking Triton: {text!r} with {', '.join(conditions)}")
    return ask(settings, text, conditions, video_out=video_out, asked=asked)


def example(examples: Path) -> "tuple[str, dict[str, list[ConditionInput]]]":
    """Return the text and the conditions that `examples/request.json` names.

    Raises:
        NotFoundError: there is no such file.
    """
    request_file = examples / "request.json"
    if not request_file.exists():
        raise NotFoundError(f"{request_file}: no such file; run this from the repository's root")
    request = jsonlib.loads(request_file.read_text())
    conditions = {
        kind: [parse_path(kind, str(examples / one), {}) for one in paths]
        for kind, paths in request["conditions"].items()
    }
    return request["text"], conditions
