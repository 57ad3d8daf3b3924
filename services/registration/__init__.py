"""Registration: who, where, when, how long.

Owns organisations and their coordinators, people and their log-ins, volunteers, activities,
sessions, sign-ups, attendance, service records and corrections. Signs every token; all services
check them with its public keys.

Says `volunteer.*`, `person.access_changed`, `organisation.registered`, `activity.published`,
`signup.*`, `attendance.*` and `hours.recorded`, `hours.corrected`, `hours.rejected`.

Hears `wish.confirmed`: minutes proposed for a granted wish become a pending service record at its
station.
"""
