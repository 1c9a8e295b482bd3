"""The only way to change the business: commands, who may give them, and what they leave behind.

Words: a *command* changes something, a *query* only reads; both are frozen dataclasses named after
their feature (``orders.PlaceOrder``). A *call* is one of them with its actor and origin. A handler
takes all calls of its kind at once and gives one result or one refusal for each; it never raises
for what is expected. Permission, idempotency, the audit leaf and batching happen here and nowhere
else.
"""
