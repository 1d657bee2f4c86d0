"""The nodes of a run and this one's place among them. Pure: texts and environments in, options out.

One supervisor runs on every node, with the same command; DeepSpeed's launcher starts the node's
ranks without ssh. Who is who comes from

- a hostfile in DeepSpeed's format, a line a node (`worker-1 slots=8`), and the node's number; or
- Kubernetes, where an Indexed Job numbers its pods: `JOB_COMPLETION_INDEX` is the node's number,
  `A2C_NODES` and `A2C_SLOTS` say how many nodes there are and ranks on each, and `A2C_MASTER` names
  pod 0 (`<job>-0.<headless service>`).

All nodes see the run's folder and the prepared data under the same path.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from any2caption.errors import ConfigError

PORT = 29500
_LINE = re.compile(r"(\S+)\s+slots=(\d+)")


@dataclass(frozen=True, slots=True)
class Nodes:
    """Ranks on every node by its name, in order; `rank` is this node's number."""

    slots: Mapping[str, int]
    rank: int
    master: str
    port: int = PORT

    @property
    def world_size(self) -> int:
        """Ranks of all nodes."""
        return sum(self.slots.values())

    @property
    def own(self) -> int:
        """Ranks of this node."""
        return list(self.slots.values())[self.rank]

    def hostfile(self) -> str:
        """The content of a hostfile."""
        return "".join(f"{name} slots={count}\n" for name, count in self.slots.items())

    def options(self, hostfile: Path) -> list[str]:
        """Options of DeepSpeed's launcher on this node."""
        return [
            *("--hostfile", str(hostfile), "--no_ssh", "--node_rank", str(self.rank)),
            *("--master_addr", self.master, "--master_port", str(self.port)),
        ]


def nodes_of(
    hostfile: Path | None, node_rank: int, environment: Mapping[str, str], port: int = PORT
) -> Nodes | None:
    """This node's place in a hostfile, or in Kubernetes' environment; None on a single node.

    Raises:
        ConfigError: a line that is not a node, a number that no node has, a missing variable.
    """
    if hostfile is not None:
        return from_hostfile(hostfile, node_rank, port)
    if environment.get("A2C_NODES"):
        return from_kubernetes(environment)
    return None


def from_hostfile(file: Path, rank: int, port: int = PORT) -> Nodes:
    """Read DeepSpeed's hostfile; node 0, the first, is where all ranks meet."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: no hostfile: {error}") from None
    slots: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        found = _LINE.fullmatch(content)
        if found is None or not int(found[2]):
            raise ConfigError(f"{file}: line {number}: must be NAME slots=N, not {content!r}")
        if found[1] in slots:
            raise ConfigError(f"{file}: line {number}: {found[1]} is there twice")
        slots[found[1]] = int(found[2])
    _check(slots, rank, str(file), "--node-rank")
    return Nodes(slots, rank, next(iter(slots)), port)


def from_kubernetes(environment: Mapping[str, str]) -> Nodes:
    """Read what the pod of an Indexed Job is told."""

    def number(name: str, default: str = "") -> int:
        text = environment.get(name, default)
        if not text.isdecimal():
            raise ConfigError(f"{name} must be a number, not {text!r}")
        return int(text)

    count, each = number("A2C_NODES"), number("A2C_SLOTS")
    rank, port = number("JOB_COMPLETION_INDEX"), number("A2C_MASTER_PORT", str(PORT))
    master = environment.get("A2C_MASTER", "")
    if not master or not each:
        raise ConfigError("A2C_MASTER must name pod 0, A2C_SLOTS the ranks of a node, 1 or more")
    slots = {f"node-{index}": each for index in range(count)}
    _check(slots, rank, "A2C_NODES", "JOB_COMPLETION_INDEX")
    return Nodes(slots, rank, master, port)


def _check(slots: Mapping[str, int], rank: int, where: str, name: str) -> None:
    if not 0 <= rank < len(slots):
        raise ConfigError(
            f"{where}: {len(slots)} nodes; {name} must be one of 0 to {len(slots) - 1}, not {rank}"
        )
    if len(set(slots.values())) > 1:
        raise ConfigError(f"{where}: DeepSpeed's launcher needs equal slots on every node")
