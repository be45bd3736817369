"""The folder of OPC UA certificates, as `chulian cert` shows and changes it: plain files.

Works on files alone, whether or not an agent runs: the agent reads the folder at each attempt.
"""
