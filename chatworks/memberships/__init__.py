"""Who works in an outlet: invited, given a role, handed the outlet over, let in for a visit.

Words: an *invitation* is a link sent to an e-mail address, good for a week and for one person; a
*visit* is a membership of somebody of the platform, which the outlet allowed for some hours and
ends when it likes. An outlet always has an owner: what would take its last one is refused. Every
grant is judged by what the one who gives it may do at that moment.
"""
