"""Where long work is done: processes of this machine, a Dask scheduler, or jobs of a batch system; one code for all.

Dask sends tasks as pickles, which run as code: connect only to a scheduler that nobody else can reach. The workers of
this machine talk through TLS with a key that is made for them and ends with them.
"""

from hamexplorer.cluster.local import LocalWorkers
from hamexplorer.cluster.remote import QueuedWorkers, RemoteWorkers
from hamexplorer.cluster.tasks import Answer, TaskPool
from hamexplorer.cluster.workers import ClusterError, Workers

__all__ = ["Answer", "ClusterError", "LocalWorkers", "QueuedWorkers", "RemoteWorkers", "TaskPool", "Workers"]
