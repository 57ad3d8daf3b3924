"""The tables that wishes owns. No other service reads them."""

from services.wishes.models.base import Base
from services.wishes.models.beneficiaries import Beneficiary, ContactLook
from services.wishes.models.claimers import ClaimerLoad, Standing
from services.wishes.models.organisations import KnownOrganisation
from services.wishes.models.wishes import (
    HELD,
    LABELS,
    OPEN,
    PUBLIC,
    AgeBand,
    Label,
    Wish,
    WishMove,
    WishStatus,
)

__all__ = [
    "HELD",
    "LABELS",
    "OPEN",
    "PUBLIC",
    "AgeBand",
    "Base",
    "Beneficiary",
    "ClaimerLoad",
    "ContactLook",
    "KnownOrganisation",
    "Label",
    "Standing",
    "Wish",
    "WishMove",
    "WishStatus",
]
