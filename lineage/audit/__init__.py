"""What do the three people ask, and what is the answer with its evidence?"""
