"""Which thing is that: names to entities, principals to people, workloads to model versions?"""
