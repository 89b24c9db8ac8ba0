"""Where does each card of a lineage drawing stand, and how do its edges run?

`lineage.layout.layered.layout` is the one entry point; `lineage.layout.graph` holds what goes in and comes out.
numpy is needed from there on, so nothing is imported here.
"""
