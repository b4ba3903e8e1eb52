"""Warm starts: processes that have imported what jobs need, from which workers and kernels are forked.

A *nursery* is a process with one thread that has imported this package, papermill, ipykernel and the
libraries that the user declared. A worker is forked from it; while it, too, has one thread, it forks its
*spare*, which becomes its kernel. Whatever cannot be forked safely starts cold.

``conditions``: which variables of the environment act only at a start · ``fitness``: whether a process may be
forked · ``rebirth``: what a forked process does to be as one that was started · ``pools``: the threads that
libraries work with · ``modules``: what is imported · ``nursery``: the process · ``orders``, ``client``: how
an executor speaks to it · ``spare``: the kernel-to-be · ``leaving``: how forked processes end · ``notes``:
what people see of nurseries · ``tether``: the tie of a kernel to its worker.
"""
