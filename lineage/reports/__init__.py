"""How is an answer put into a file that proves it?"""
