"""The tables that rewards owns. No other service reads them."""

from services.rewards.models.accounts import Account, AccountStatus, StandingChoice
from services.rewards.models.base import Base
from services.rewards.models.ledger import Correction, CreditedRecord, Transfer, TransferKind
from services.rewards.models.products import Backorder, BackorderStatus, Product, Stock
from services.rewards.models.rules import Rule, RuleKind
from services.rewards.models.venues import FailedLook, SecretKind, Venue, VenueSecret, WebhookReceipt
from services.rewards.models.vouchers import CodeLook, Dispute, Hold, Redemption, Voucher, VoucherStatus

__all__ = [
    "Account",
    "AccountStatus",
    "Backorder",
    "BackorderStatus",
    "Base",
    "CodeLook",
    "Correction",
    "CreditedRecord",
    "Dispute",
    "FailedLook",
    "Hold",
    "Product",
    "Redemption",
    "Rule",
    "RuleKind",
    "SecretKind",
    "StandingChoice",
    "Stock",
    "Transfer",
    "TransferKind",
    "Venue",
    "VenueSecret",
    "Voucher",
    "VoucherStatus",
    "WebhookReceipt",
]
