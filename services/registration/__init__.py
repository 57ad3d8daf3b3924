"""Registration: who volunteers, where, when and how long.

Owns organisations and their coordinators, people and their log-ins, volunteers, activities,
activity sessions, sign-ups, attendance, service records and corrections. Signs every token; all
services check them with its public keys.

Publishes `volunteer.*`, `person.access_changed`, `organisation.registered`, `activity.published`,
`signup.*`, `attendance.*` and `hours.recorded`, `hours.corrected`, `hours.rejected`.

Handles `wish.confirmed`: minutes proposed for a granted wish become a pending service record at
its station.
"""
