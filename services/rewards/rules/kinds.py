"""One model per kind of rule: which fields it has, and for whom its versions count."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    WrapValidator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue

from services.rewards.models import Period, RuleKind
from shared.http.schemas import Code, Count, Instant, Quantity, RequestModel

MOST_POINTS_A_MINUTE = 100
MOST_PERCENT = 1_000
"""With both, a record of a day earns at most 1,440,000 points."""


def _require_kind(schema: JsonSchemaValue) -> None:
    """Say in the OpenAPI document that clients must send `kind`; in Python each model knows it."""
    schema["required"] = ["kind", *schema.get("required", [])]


class RuleModel(RequestModel):
    """What every rule has. A field that is null counts as missing."""

    model_config = ConfigDict(json_schema_extra=_require_kind)

    needs: ClassVar[tuple[str, ...]] = ()
    may_have: ClassVar[tuple[str, ...]] = ()

    kind: RuleKind
    effective_from: Instant | None = None
    effective_until: Instant | None = None

    @property
    def scope(self) -> str:
        """Category or product id; empty for what holds in general."""
        return ""

    @model_validator(mode="before")
    @classmethod
    def _has_what_its_kind_needs(cls, data: Any) -> Any:
        """Name all fields of the kind in one sentence, instead of one error a field."""
        if not isinstance(data, dict):
            return data
        given = {n: value for n, value in data.items() if value is not None or n not in _FIELDS}
        missing = set(cls.needs) - given.keys()
        foreign = _FIELDS & given.keys() - cls.model_fields.keys()
        if missing or foreign:
            raise ValueError(cls._fields_in_words())
        return given

    @classmethod
    def _fields_in_words(cls) -> str:
        kind: RuleKind = cls.model_fields["kind"].default
        article = "an" if kind[0] in "aei" else "a"
        may = f", may have {' and '.join(cls.may_have)}," if cls.may_have else ""
        return f"{article} {kind} rule has {' and '.join(cls.needs)}{may} and nothing else"

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "RuleModel":
        begin, end = self.effective_from, self.effective_until
        if begin and end and begin >= end:
            raise ValueError("effective_until must be after effective_from")
        return self


class EarnRule(RuleModel):
    """Minutes become points, for one category or, without one, for every other."""

    needs = ("minutes", "points")
    may_have = ("category",)

    kind: Literal[RuleKind.EARN] = RuleKind.EARN
    minutes: Count
    points: Quantity = Field(description="at most 100 a minute")
    category: Code | None = None

    @property
    def scope(self) -> str:
        return self.category or ""

    @model_validator(mode="after")
    def _earns_within_bounds(self) -> "EarnRule":
        if self.points > self.minutes * MOST_POINTS_A_MINUTE:
            raise ValueError(f"an earn rule gives at most {MOST_POINTS_A_MINUTE} points a minute")
        return self


class CoefficientRule(RuleModel):
    """For one category, the general earn rule counts `percent` per cent."""

    needs = ("category", "percent")

    kind: Literal[RuleKind.COEFFICIENT] = RuleKind.COEFFICIENT
    category: Code
    percent: Annotated[StrictInt, Field(ge=0, le=MOST_PERCENT)]

    @property
    def scope(self) -> str:
        return self.category


class IssueRule(RuleModel):
    """A product is given for points: by itself when they reach its price, or on request only."""

    needs = ("product_id",)
    may_have = ("automatic",)

    kind: Literal[RuleKind.ISSUE] = RuleKind.ISSUE
    product_id: UUID
    automatic: StrictBool = Field(default=True, description="false: on request only")

    @property
    def scope(self) -> str:
        return str(self.product_id)


class ExpireRule(RuleModel):
    """Points that are not spent within `days` of coming lapse."""

    needs = ("days",)

    kind: Literal[RuleKind.EXPIRE] = RuleKind.EXPIRE
    days: Annotated[StrictInt, Field(ge=1, le=36_600)]


class LimitRule(RuleModel):
    """At most `count` vouchers a person and period, of one product or, without one, in all."""

    needs = ("count", "period")
    may_have = ("product_id",)

    kind: Literal[RuleKind.LIMIT] = RuleKind.LIMIT
    count: Count
    period: Period = Field(description="by the calendar at the site")
    product_id: UUID | None = None

    @property
    def scope(self) -> str:
        return str(self.product_id) if self.product_id else ""


class BudgetRule(RuleModel):
    """At most `points` worth of a product are issued per month."""

    needs = ("product_id", "points")

    kind: Literal[RuleKind.BUDGET] = RuleKind.BUDGET
    product_id: UUID
    points: Quantity = Field(description="a month")

    @property
    def scope(self) -> str:
        return str(self.product_id)


KINDS: dict[RuleKind, type[RuleModel]] = {
    RuleKind.EARN: EarnRule,
    RuleKind.COEFFICIENT: CoefficientRule,
    RuleKind.ISSUE: IssueRule,
    RuleKind.EXPIRE: ExpireRule,
    RuleKind.LIMIT: LimitRule,
    RuleKind.BUDGET: BudgetRule,
}
_FIELDS = {name for model in KINDS.values() for name in model.model_fields}


class RuleOfSomeKind(BaseModel):
    """Only the field that says which model reads the others."""

    kind: RuleKind


def _read(data: Any, _: Any) -> RuleModel:
    """Read a rule by the model of its kind.

    Pydantic's own union would put the kind into the pointer of an error, as `/earn/minutes`.
    """
    if isinstance(data, RuleModel):
        return data
    return KINDS[RuleOfSomeKind.model_validate(data).kind].model_validate(data)


AnyRule = Annotated[
    EarnRule | CoefficientRule | IssueRule | ExpireRule | LimitRule | BudgetRule,
    Field(discriminator="kind"),
    WrapValidator(_read),
]
"""A rule of any kind; `kind` says which fields it has."""
