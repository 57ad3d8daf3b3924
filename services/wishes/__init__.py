"""The tree: wishes from submission to confirmation, and who holds them meanwhile.

Owns wishes and their moves, beneficiaries (sealed, apart), claims with their limits, a copy of
organisations. Says wish.submitted, .verified, .rejected, .published, .claimed, .released,
.fulfilled, .confirmed, .withdrawn and .expired. Hears volunteer.suspended, .activated, .left,
.erased (release, bar, let back), volunteer.merged (claims move over), organisation.registered
(public names, who stands above a station), person.access_changed (old tokens are void).
"""
