"""What Karpenter would disrupt now, node by node: a dry run of consolidation and drift."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pyscale.model.nodes import INSTANCE_TYPE_LABEL

from .candidates import DRIFT, EMPTINESS, METHODS, MULTI_NODE, REASONS, SINGLE_NODE
from .consolidation import Command
from .costs import node_price
from .disruption import Disruption
from .evaluation import MethodResult
from .explain import explain
from .plan import PlannedClaim, planned_claim, shortened
from .screening import NOT_PLACED
from .simulation import simulate
from .solver import Solver
from .state import ClusterObjects, Settings, StateNode

WORDS = {
    EMPTINESS: "emptiness",
    DRIFT: "drift",
    MULTI_NODE: "multi-node consolidation",
    SINGLE_NODE: "single-node consolidation",
}
NEXT, LATER, NEVER = "next", "later", ""

_HEADINGS = ("node", "pool", "machine", "$/h", "when", "saves $/h", "decision")
_TO_THE_RIGHT = {"$/h", "saves $/h"}


@dataclass(frozen=True)
class PlannedCommand:
    """Nodes that would go together.

    Attributes
    ----------
    method : str
        ``emptiness``, ``drift``, ``multi-node consolidation`` or ``single-node consolidation``.
    reason : str
        ``Empty``, ``Underutilized``, or why the node has drifted, such as ``NodePoolDrifted``.
    decision : {"delete", "replace"}
    nodes : tuple of str
    replacements : tuple of PlannedClaim
        What is bought first.
    moves : mapping of str to tuple of str
        Existing node -> pods that would go there.
    saves : float
        US dollars per hour: what the nodes cost, less the cheapest offering of each replacement's
        first type.  Negative where a drifted node's replacement is dearer.
    """

    method: str
    reason: str
    decision: str
    nodes: tuple[str, ...]
    replacements: tuple[PlannedClaim, ...]
    moves: Mapping[str, tuple[str, ...]]
    saves: float

    def __str__(self) -> str:
        done = f"{self.method} ({self.reason}): {self.decision}"
        if len(self.nodes) > 1:
            done = f"{done} {shortened(self.nodes)}"
        if self.replacements:
            types = "; ".join(shortened(claim.instance_types) for claim in self.replacements)
            done = f"{done} by {types}"
        return done


@dataclass(frozen=True)
class NodeVerdict:
    """What would become of one node.

    Attributes
    ----------
    node, pool, instance_type : str
        Empty where unknown.
    price : float
        US dollars per hour, 0 where the catalogue does not know the offering.
    when : {"next", "later", ""}
        Whether it goes with the next command, or would if its turn came in the state as it is, or
        is left alone.
    command : PlannedCommand or None
    reason : str
        Why it is left alone.
    """

    node: str
    pool: str
    instance_type: str
    price: float
    when: str
    command: PlannedCommand | None
    reason: str


@dataclass(frozen=True)
class DisruptionPlan:
    """What the disruption controller would do at a moment, and with what it would go on.

    Attributes
    ----------
    now_ns : int
        The moment, in Unix time.
    command : PlannedCommand or None
        The one that the next pass starts.
    nodes : tuple of NodeVerdict
        Every node, by name.
    budgets : mapping of str to mapping of str to int
        Reason -> pool -> how many nodes may be disrupted.
    """

    now_ns: int
    command: PlannedCommand | None
    nodes: tuple[NodeVerdict, ...]
    budgets: Mapping[str, Mapping[str, int]]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        if not self.nodes:
            return "no node"
        rows = [_HEADINGS]
        for each in self.nodes:
            command = each.command
            rows.append(
                (
                    each.node,
                    each.pool or "-",
                    each.instance_type or "-",
                    f"{each.price:.4f}" if each.price else "-",
                    each.when or "-",
                    "-" if command is None else f"{command.saves:.4f}",
                    f"left alone: {each.reason}" if command is None else str(command),
                )
            )
        return "\n".join((*_aligned(rows), "", *self._summary()))

    def _summary(self) -> list[str]:
        command = self.command
        if command is None:
            lines = ["next: nothing"]
        else:
            one = len(command.nodes) == 1
            nodes = command.nodes[0] if one else f"{len(command.nodes)} nodes together"
            lines = [f"next: {command.method} takes {nodes} and saves ${command.saves:.4f} an hour"]
        for pool in next(iter(self.budgets.values()), {}):
            allowed = ", ".join(f"{self.budgets[word][pool]} {word}" for word in self.budgets)
            lines.append(f"the budgets of {pool} allow: {allowed}")
        return lines


def plan_disruption(objects: ClusterObjects, settings: Settings | None = None) -> DisruptionPlan:
    """Say what would be disrupted, and why the other nodes are left alone.

    Notes
    -----
    One pass of the controller starts one command, that of the first method with one; it is the
    next command here.  The others are those that each node would have by itself in the same state:
    the next command changes it.  What only a running Karpenter knows (nominations, its queue) is
    not in the objects.

    Cost: as one evaluation of all methods, and one simulation per node that can't be emptied.
    """
    return _Planner(Disruption(Solver(objects, settings))).plan()


class _Planner:
    def __init__(self, disruption: Disruption) -> None:
        self._disruption = disruption
        self._solver = disruption.solver
        self._results = {method: disruption.evaluate(method) for method in METHODS}
        self._alone = {
            method: disruption.each_alone(method) for method in (EMPTINESS, DRIFT, SINGLE_NODE)
        }
        self._planned: dict[int, PlannedCommand] = {}

    def plan(self) -> DisruptionPlan:
        acting = next((name for name in METHODS if self._results[name].command), None)
        command = None if acting is None else self._command(acting, self._results[acting].command)
        objects = self._solver.objects
        nodes = sorted(objects.nodes, key=lambda node: node.name)
        return DisruptionPlan(
            now_ns=objects.now_ns,
            command=command,
            nodes=tuple(self._verdict(node, command) for node in nodes),
            budgets={REASONS[name]: result.budgets for name, result in self._results.items()},
        )

    def _verdict(self, node: StateNode, following: PlannedCommand | None) -> NodeVerdict:
        when, command, reason = NEVER, None, ""
        if following is not None and node.name in following.nodes:
            when, command = NEXT, following
        else:
            command, reason = self._in_its_turn(node)
            when = NEVER if command is None else LATER
        compiled = self._disruption.type_of(node)
        return NodeVerdict(
            node=node.name,
            pool=node.pool,
            instance_type=node.labels.get(INSTANCE_TYPE_LABEL, ""),
            price=node_price(node, compiled),
            when=when,
            command=command,
            reason=reason,
        )

    def _in_its_turn(self, node: StateNode) -> tuple[PlannedCommand | None, str]:
        """Return the command that takes the node when others are done, or why there is none."""
        name, reason = node.name, ""
        for method in METHODS:
            result = self._results[method]
            if method == MULTI_NODE:
                group = result.command
                if group is not None and name in group.names:
                    return self._command(method, group), ""
                continue
            commands, left_alone = self._alone[method]
            found = commands.get(name)
            if found is None:
                if method == SINGLE_NODE:
                    reason = reason or self._in_full(method, name, left_alone[name])
                elif method == DRIFT and name in self._disruption.conditions.drifted:
                    why, _ = self._disruption.conditions.drifted[name]
                    reason = f"drifted ({why}), but {self._in_full(method, name, left_alone[name])}"
            elif closed := _closed(method, result, node):
                reason = reason or closed
            else:
                return self._command(method, found), ""
        return None, reason

    def _in_full(self, method: str, name: str, reason: str) -> str:
        """Add which pod finds no place and why."""
        if reason != NOT_PLACED:
            return reason
        candidate = next(each for each in self._results[method].candidates if each.name == name)
        under = self._solver.under(()) if method == DRIFT else self._disruption.under
        found = simulate(self._solver, [candidate], under)
        first, batch = found.unplaced[0], found.solution.batch
        more = f" and {len(found.unplaced) - 1} more" if len(found.unplaced) > 1 else ""
        why = "its place is not initialized yet"
        if first in found.solution.errors:
            reasons = explain(self._solver, found.solution, first)
            why = "; ".join(f"{pool}: {text}" for pool, text in reasons) or "no NodePool fits"
        return f"{reason}: {batch[first]}{more} ({why})"

    def _command(self, method: str, command: Command | None) -> PlannedCommand:
        assert command is not None
        known = self._planned.get(id(command))
        if known is None:
            known = self._planned[id(command)] = self._made(method, command)
        return known

    def _made(self, method: str, command: Command) -> PlannedCommand:
        simulation = command.simulation
        reason = REASONS[method]
        if method == DRIFT:
            reason, _ = self._disruption.conditions.drifted[command.candidates[0].name]
        batch: Sequence[str] = () if simulation is None else simulation.solution.batch
        moves = {} if simulation is None else simulation.placements()
        return PlannedCommand(
            method=WORDS[method],
            reason=reason,
            decision=command.decision,
            nodes=tuple(command.names),
            replacements=tuple(planned_claim(claim, batch) for claim in command.replacements),
            moves={node: tuple(pods) for node, pods in sorted(moves.items())},
            saves=command.source_price - command.replacement_price,
        )


def _closed(method: str, result: MethodResult, node: StateNode) -> str:
    """Return why the budgets keep a candidate that has a command, empty if they do not."""
    if method == EMPTINESS:
        return result.left_alone.get(node.name, "")
    if result.budgets[node.pool] > 0:
        return ""
    return f"the budgets of NodePool {node.pool} allow no further disruption"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    pads: list[Callable[[str, int], str]] = [
        str.rjust if heading in _TO_THE_RIGHT else str.ljust for heading in rows[0]
    ]
    return [
        "  ".join(
            pad(cell, width) for pad, cell, width in zip(pads, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
