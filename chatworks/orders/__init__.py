"""Orders: placed in a conversation, moved by operators, told to the customer at each step.

Words: a *step* is an entry of an order's history. Which status follows which, and who may move it,
is data in ``core``. Placing locks the products in key order and answers many calls at once: of two
customers and one last bottle exactly one gets it, in one batch or in two.
"""
