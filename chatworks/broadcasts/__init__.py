"""One message to many people who agreed to it.

Words: a *broadcast* is written and counted, then sent at once or at a time; its *segment* says who
is meant, and is frozen at the start into *recipients*, each person once. A *step* takes some of
them, has the router choose a conversation for each, and posts the message there behind everybody's
answers, or writes down why not. Post and mark are one transaction: nobody gets it twice.
"""
