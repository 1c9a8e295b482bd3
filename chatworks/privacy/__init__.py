"""What people are told about their data: the first-contact notice and the outlet's policy page.

Both are made from the register of personal data, so that what is published is what is stored.
"""
