"""The tables that registration owns. No other service reads them."""

from services.registration.models.access import (
    Client,
    LoginCode,
    OutboundMessage,
    RefreshToken,
    StaffMember,
)
from services.registration.models.activities import (
    Activity,
    ActivitySession,
    ActivityStatus,
    Attendance,
    Credit,
    SignUp,
    SignUpStatus,
)
from services.registration.models.base import Base
from services.registration.models.organisations import Coordination, Organisation, OrganisationKind
from services.registration.models.records import (
    Correction,
    CorrectionStatus,
    RecordStatus,
    ServiceRecord,
)
from services.registration.models.volunteers import ContactLook, Volunteer, VolunteerStatus

__all__ = [
    "Activity",
    "ActivitySession",
    "ActivityStatus",
    "Attendance",
    "Base",
    "Client",
    "ContactLook",
    "Coordination",
    "Correction",
    "CorrectionStatus",
    "Credit",
    "LoginCode",
    "Organisation",
    "OrganisationKind",
    "OutboundMessage",
    "RecordStatus",
    "RefreshToken",
    "ServiceRecord",
    "SignUp",
    "SignUpStatus",
    "StaffMember",
    "Volunteer",
    "VolunteerStatus",
]
