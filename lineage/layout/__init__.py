"""Where does each card of a lineage drawing stand?"""
