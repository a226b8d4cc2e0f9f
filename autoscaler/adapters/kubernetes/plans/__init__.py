"""CapacityPlans: one object a policy, on which people wish and see, and which owns the policy's placeholders."""
