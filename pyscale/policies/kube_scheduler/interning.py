"""From labels, selectors, taints and tolerations to the ids of a match table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyscale.kernel._match import MatchTable
from pyscale.model.nodes import HOSTNAME_LABEL
from pyscale.model.pods import PodSpec
from pyscale.model.requirements import NodeSelectorTerm, PreferredNodeSelectorTerm, Requirement
from pyscale.model.taints import Taint, Toleration

from .label_rules import expression_holds
from .node_rules import (
    CORDON_TAINT,
    NAME_FIELD,
    is_empty_term,
    term_errors,
    tolerates,
    tolerates_hard_taints,
    untolerated_soft_taints,
)
from .profile import Profile

NAME_COLUMN = 0
HOSTNAME_COLUMN = 1


class Interner:
    """Gives every label key, value, requirement, term and taint of a cluster its id, once."""

    def __init__(self, match: MatchTable, profile: Profile) -> None:
        self.match = match
        self.profile = profile
        self.columns: dict[str, int] = {HOSTNAME_LABEL: HOSTNAME_COLUMN}
        self._values: list[dict[str, int]] = [{}, {}]
        self._decided: list[list[tuple[int, Requirement]]] = [[], []]
        self._requirements: dict[tuple[int, Requirement], int] = {}
        self._terms: dict[NodeSelectorTerm, int] = {}
        self._taint_sets: dict[tuple[Taint, ...], int] = {}
        self._tolerations: dict[tuple[Toleration, ...], int] = {}
        self._statics: dict[object, int] = {}
        self._enforced = self._valid_terms(profile.added_affinity)
        self._added = [self._preference(p) for p in profile.added_preferences if _counts(p)]
        self._added_invalid = any(
            term_errors(p.preference) for p in profile.added_preferences if _counts(p)
        )

    # --- labels ---

    def column(self, key: str) -> int:
        """Return the column of a label key."""
        column = self.columns.get(key)
        if column is None:
            column = self.columns[key] = self.match.add_column()
            self._values.append({})
            self._decided.append([])
        return column

    def value(self, column: int, text: str) -> int:
        """Return the id of a value of a column."""
        known = self._values[column]
        value = known.get(text)
        if value is None:
            value = known[text] = self.match.add_value(column)
            for requirement_id, requirement in self._decided[column]:
                self.match.decide(requirement_id, value, expression_holds(requirement, text))
        return value

    def values(self, column: int, texts: Sequence[str]) -> list[int]:
        """Return the ids of values of a column."""
        known = self._values[column]
        if self._decided[column]:
            return [self.value(column, text) for text in texts]
        add = self.match.add_value
        found = []
        for text in texts:
            value = known.get(text)
            if value is None:
                value = known[text] = add(column)
            found.append(value)
        return found

    def labels(self, labels: Mapping[str, str]) -> dict[int, int]:
        """Return ``{column: value}`` of labels, the hostname left out."""
        found = {}
        for key, text in labels.items():
            if key != HOSTNAME_LABEL:
                column = self.column(key)
                found[column] = self.value(column, text)
        return found

    def name(self, text: str) -> int:
        """Return the id of a node's name."""
        return self.value(NAME_COLUMN, text)

    def hostname(self, labels: Mapping[str, str]) -> int:
        """Return the id of a hostname label, -1 if there is none."""
        text = labels.get(HOSTNAME_LABEL)
        return -1 if text is None else self.hostname_id(text)

    def hostname_id(self, text: str) -> int:
        """Return the id of a value of the hostname label."""
        return int(self.value(HOSTNAME_COLUMN, text))

    def names(self, texts: Sequence[str]) -> list[int]:
        """Return the ids of nodes' names."""
        return self.values(NAME_COLUMN, texts)

    def hostname_ids(self, texts: Sequence[str]) -> list[int]:
        """Return the ids of values of the hostname label."""
        return self.values(HOSTNAME_COLUMN, texts)

    # --- requirements and terms ---

    def requirement(self, column: int, requirement: Requirement) -> int:
        """Return the id of a valid requirement on a column."""
        key = (column, requirement)
        found = self._requirements.get(key)
        if found is None:
            truths = [expression_holds(requirement, text) for text in self._values[column]]
            absent = expression_holds(requirement, None)
            # A value that nobody has named yet is in no list and is no number.
            other = requirement.operator in ("NotIn", "Exists")
            found = self.match.add_requirement(column, absent, other, truths)
            self._requirements[key] = found
            self._decided[column].append((found, requirement))
        return found

    def _field(self, field: Requirement) -> int:
        if field.key == NAME_FIELD:
            return self.requirement(NAME_COLUMN, Requirement("", field.operator, field.values))
        verdict = (field.values[0] == "") == (field.operator == "In")
        return self.match.add_requirement(NAME_COLUMN, verdict, verdict, ())

    def term(self, term: NodeSelectorTerm) -> int:
        """Return the id of a valid term that is not empty."""
        found = self._terms.get(term)
        if found is None:
            requirements = [self.requirement(self.column(e.key), e) for e in term.match_expressions]
            requirements += [self._field(field) for field in term.match_fields]
            found = self._terms[term] = self.match.add_term(requirements)
        return found

    def _valid_terms(self, terms: Iterable[NodeSelectorTerm] | None) -> list[int] | None:
        if terms is None:
            return None
        return [self.term(t) for t in terms if not is_empty_term(t) and not term_errors(t)]

    def _preference(self, preferred: PreferredNodeSelectorTerm) -> tuple[int, int]:
        valid = not term_errors(preferred.preference)
        return (self.term(preferred.preference) if valid else -1), preferred.weight

    # --- taints ---

    def taint_set(self, taints: tuple[Taint, ...]) -> int:
        """Return the id of a node's taints."""
        found = self._taint_sets.get(taints)
        if found is None:
            found = self._taint_sets[taints] = self.match.add_taint_set()
            for tolerations, toleration_id in self._tolerations.items():
                self._tolerate(toleration_id, tolerations, found, taints)
        return found

    def tolerations(self, tolerations: tuple[Toleration, ...]) -> int:
        """Return the id of a pod's tolerations."""
        found = self._tolerations.get(tolerations)
        if found is None:
            found = self._tolerations[tolerations] = self.match.add_tolerations()
            for taints, set_id in self._taint_sets.items():
                self._tolerate(found, tolerations, set_id, taints)
        return found

    def _tolerate(
        self,
        toleration_id: int,
        tolerations: Sequence[Toleration],
        set_id: int,
        taints: Sequence[Taint],
    ) -> None:
        self.match.tolerate(
            toleration_id,
            set_id,
            tolerates_hard_taints(tolerations, taints),
            untolerated_soft_taints(tolerations, taints),
        )

    # --- what a pod asks of nodes ---

    def static(self, spec: PodSpec) -> tuple[int, bool]:
        """Return the id of what a pod asks of nodes by themselves.

        Returns
        -------
        (int, bool)
            The id, and whether a preferred term cannot be parsed.
        """
        preferred = [p for p in spec.preferred_node_affinity if _counts(p)]
        invalid = self._added_invalid or any(term_errors(p.preference) for p in preferred)
        key = (
            tuple(sorted(spec.node_selector.items())),
            spec.required_node_affinity,
            tuple(preferred),
            bool(spec.preferred_node_affinity),
            spec.tolerations,
            spec.node_name,
        )
        found = self._statics.get(key)
        if found is None:
            selector = [
                self.requirement(self.column(label), Requirement(label, "In", (value,)))
                for label, value in spec.node_selector.items()
            ]
            preferences = [self._preference(p) for p in preferred] + self._added
            preferences = [entry for entry in preferences if entry[0] >= 0]
            if spec.preferred_node_affinity and not preferred:
                # A list of terms that count for nothing is scored all the same: 0 everywhere.
                preferences.append((self.term(_ANYWHERE), 0))
            found = self._statics[key] = self.match.add_static(
                selector,
                self._valid_terms(spec.required_node_affinity),
                self._enforced,
                [term for term, _ in preferences],
                [weight for _, weight in preferences],
                self.tolerations(spec.tolerations),
                self.name(spec.node_name) if spec.node_name else -1,
                any(tolerates(t, CORDON_TAINT) for t in spec.tolerations),
            )
        return found, invalid


_ANYWHERE = NodeSelectorTerm()


def _counts(preferred: PreferredNodeSelectorTerm) -> bool:
    return preferred.weight != 0 and not is_empty_term(preferred.preference)
