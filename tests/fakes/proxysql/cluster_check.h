#pragma once

/*
 * One peer's thread: connect as admin-cluster_username, compare versions, then check the peer every
 * cluster_check_interval_ms and pull what is newer there (lib/ProxySQL_Cluster.cpp, ProxySQL_Cluster_Monitor_thread).
 */

/* arg is the struct peer. Ends when the peer is removed or the cluster stops. */
void *cluster_check_run(void *arg);
