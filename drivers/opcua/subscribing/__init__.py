"""One plan as a stream of frames: subscriptions, what they lose, and what is read instead.

`stream` is the whole; `subscription` one subscription of it, `lifeline` its numbers and silence,
`mend` what it lost; `monitor`, `placing` and `monitored` its items; `instead` reads what has none;
`proof` checks that changes are told; `told`, `known` and `buffer` hold frames for the host;
`notify` and `publish` are the publish requests of the whole session.
"""
