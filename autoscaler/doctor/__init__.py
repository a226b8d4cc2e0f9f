"""What a person should know before the controller acts: from facts about cluster, metric store and policies to
findings, each with what to do. Pure: who reads the facts is elsewhere, and what could not be read is a fact too.
"""
