"""What an outlet sells: products with price, stock, photo and tags.

Names and descriptions are kept by language. Stock that is None is not counted. Whoever sells or
takes back locks the product rows in the order of their ids, so that two customers and one last
bottle end with exactly one sale.
"""
