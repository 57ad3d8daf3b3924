"""The part of PromQL that our alert rules and dashboard use: a strict parser, and an evaluator.

No parser of it is kept as a Python package, and `promtool` is no part of the tests' installation.
What this does not know, it refuses. Only gauges are evaluated: what counts over time is not.
https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from shared.core import metrics

TOKEN = re.compile(
    r"\s*(?:(?P<duration>\[\d+[smhd]\])|(?P<number>\d+(?:\.\d+)?)|(?P<text>\"[^\"]*\")"
    r"|(?P<name>[a-zA-Z_$][\w:$]*)|(?P<sign>=~|!~|!=|==|>=|<=|[-+*/><=(){},]))"
)
AGGREGATIONS: Mapping[str, Callable[[list[float]], float]] = {"min": min, "max": max, "sum": sum}
#: Functions, and whether they take a range vector.
FUNCTIONS = {"rate": True, "increase": True, "delta": True, "histogram_quantile": False}
FUNCTIONS |= {"absent": False, "time": False}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}
LEVELS = (("or",), ("and",), tuple(COMPARISONS), ("-", "+"), ("/", "*"))
MATCHERS: Mapping[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "=~": lambda value, pattern: re.fullmatch(pattern, value) is not None,
    "!~": lambda value, pattern: re.fullmatch(pattern, value) is None,
}
SCRAPED = {"job", "instance"}
OF_OTHERS = {
    "up": SCRAPED,
    "node_filesystem_avail_bytes": SCRAPED | {"mountpoint"},
    "node_filesystem_size_bytes": SCRAPED | {"mountpoint"},
}

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]


class Refused(ValueError):
    """Not PromQL, or of an unknown metric, label or function."""


@dataclass(frozen=True)
class Expression:
    """A number, selector, function, aggregation or operation, with the expressions in it."""

    kind: str
    name: str = ""
    parts: tuple["Expression", ...] = ()
    matchers: tuple[tuple[str, str, str], ...] = ()
    by: tuple[str, ...] = ()
    over: str = ""

    def selectors(self) -> Iterator["Expression"]:
        if self.kind == "selector":
            yield self
        for part in self.parts:
            yield from part.selectors()

    def labels(self) -> set[str]:
        """The labels of the result."""
        if self.kind == "aggregation":
            return set(self.by)
        if self.kind == "selector":
            return known_metrics()[self.name]
        return set().union(*(part.labels() for part in self.parts)) - (
            {"le"} if self.name == "histogram_quantile" else set()
        )


def known_metrics() -> dict[str, set[str]]:
    """Each sample that our metrics give, and its labels."""
    found = {name: set(labels) for name, labels in OF_OTHERS.items()}
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            labels = {*metric._labelnames, *SCRAPED}
            if isinstance(metric, Histogram):
                found |= {f"{metric._name}_{end}": labels for end in ("count", "sum")}
                found[f"{metric._name}_bucket"] = labels | {"le"}
            else:
                end = "_total" if isinstance(metric, Counter) else ""
                found[metric._name + end] = labels
    return found


@dataclass
class Parser:
    """Recursive descent over the tokens."""

    text: str
    tokens: list[tuple[str, str]] = field(default_factory=list)

    def parse(self) -> Expression:
        at = 0
        while at < len(self.text.rstrip()):
            match = TOKEN.match(self.text, at)
            if match is None:
                raise Refused(f"{self.text[at:]!r}")
            at = match.end()
            self.tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        found = self._operation(0)
        if self.tokens:
            raise Refused(f"{self.tokens} after the end of {self.text}")
        return found

    def _next(self, *wanted: str) -> str:
        if not self.tokens or (wanted and self.tokens[0][1] not in wanted):
            raise Refused(f"{self.tokens[:1]} in {self.text}, expected {wanted}")
        return self.tokens.pop(0)[1]

    def _is_next(self, *words: str) -> bool:
        return bool(self.tokens) and self.tokens[0][1] in words

    def _operation(self, level: int) -> Expression:
        if level == len(LEVELS):
            return self._atom()
        left = self._operation(level + 1)
        while self._is_next(*LEVELS[level]):
            name = self._next()
            left = Expression("operation", name, (left, self._operation(level + 1)))
        return left

    def _atom(self) -> Expression:
        if self._is_next("("):
            return self._inside()
        kind = self.tokens[0][0] if self.tokens else "nothing"
        word = self._next()
        if kind == "number":
            return Expression("number", word)
        if kind != "name":
            raise Refused(f"{word} in {self.text}")
        if word in AGGREGATIONS:
            by = self._names() if self._is_next("by") else ()
            return Expression("aggregation", word, (self._inside(),), by=by)
        return self._function(word) if word in FUNCTIONS else self._selector(word)

    def _inside(self) -> Expression:
        self._next("(")
        found = self._operation(0)
        self._next(")")
        return found

    def _names(self) -> tuple[str, ...]:
        self._next("by")
        self._next("(")
        names = [self._next()]
        while self._next(",", ")") == ",":
            names.append(self._next())
        return tuple(names)

    def _function(self, name: str) -> Expression:
        self._next("(")
        parts = []
        while not self._is_next(")"):
            parts.append(self._operation(0))
            if self._is_next(","):
                self._next()
        self._next(")")
        if FUNCTIONS[name] != any(part.over for part in parts):
            raise Refused(f"{name} takes {'a' if FUNCTIONS[name] else 'no'} range: {self.text}")
        return Expression("function", name, tuple(parts))

    def _selector(self, name: str) -> Expression:
        labels = known_metrics().get(name)
        if labels is None:
            raise Refused(f"no metric {name}")
        matchers = []
        if self._is_next("{"):
            self._next()
            while not self._is_next("}"):
                matchers.append((self._next(), self._next(*MATCHERS), self._next().strip('"')))
                if self._is_next(","):
                    self._next()
            self._next("}")
        wrong = {label for label, _, _ in matchers} - labels
        if wrong:
            raise Refused(f"{name} has no label {wrong}")
        over = self._next() if self.tokens and self.tokens[0][0] == "duration" else ""
        return Expression("selector", name, matchers=tuple(matchers), over=over)


def parse(text: str) -> Expression:
    """Parse an expression; raises Refused. Labels that are grouped by must be there, too."""
    found = Parser(text).parse()
    _check_grouping(found)
    return found


def _check_grouping(found: Expression) -> None:
    for part in found.parts:
        _check_grouping(part)
        if not set(found.by) <= part.labels():
            raise Refused(f"{part} has no labels {found.by}")


def evaluate(found: Expression, exposition: str) -> Vector:
    """The result of an instant expression over what one process exposes."""
    samples = [
        (sample.name, frozenset({**sample.labels, "job": "wishtree-api"}.items()), sample.value)
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    ]
    return _value(found, samples)


def _value(found: Expression, samples: list[tuple[str, Labels, float]]) -> Vector:
    parts = [_value(part, samples) for part in found.parts]
    if found.kind == "number":
        return {frozenset(): float(found.name)}
    if found.kind == "selector" and not found.over:
        return {
            labels: value
            for name, labels, value in samples
            if name == found.name and _matches(found, dict(labels))
        }
    if found.kind == "aggregation":
        return _grouped(found, parts[0])
    if found.name in COMPARISONS:
        (limit,) = parts[1].values()
        return {k: v for k, v in parts[0].items() if COMPARISONS[found.name](v, limit)}
    if found.name == "or":
        return parts[1] | parts[0]
    if found.name == "absent":
        return {} if parts[0] else {frozenset(): 1.0}
    raise NotImplementedError(found.name)


def _matches(found: Expression, labels: dict[str, str]) -> bool:
    return all(MATCHERS[sign](labels.get(name, ""), text) for name, sign, text in found.matchers)


def _grouped(found: Expression, vector: Vector) -> Vector:
    groups: dict[Labels, list[float]] = {}
    for labels, value in vector.items():
        kept = frozenset((name, text) for name, text in labels if name in found.by)
        groups.setdefault(kept, []).append(value)
    return {labels: AGGREGATIONS[found.name](values) for labels, values in groups.items()}
