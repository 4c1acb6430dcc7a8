"""Text in, as the trainer is fed with it. (Counting of distinct chunks will live here.)"""
