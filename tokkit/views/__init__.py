"""A leaf: plain values in; text, pictures and progress bars out.

The only room that knows rich and matplotlib.
"""
