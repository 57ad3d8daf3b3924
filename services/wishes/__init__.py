"""Wishes: the wish tree 心愿树, from a wish's submission to its confirmation, and who claims it.

Owns wishes and their moves, beneficiaries (sealed, apart), claims with their limits, and a copy of
organisations.

Publishes `wish.submitted`, `.verified`, `.rejected`, `.published`, `.claimed`, `.released`,
`.fulfilled`, `.confirmed`, `.withdrawn`, `.expired` and `.grant_declined`.

Handles `volunteer.suspended`, `.activated`, `.left`, `.erased` and `.merged` (who may claim, and
whose claims these are), `organisation.registered` (public names, who is above a station),
`person.access_changed` (old tokens are void), `pool.wish_granted` (claims for a voucher).
"""
