#pragma once

#include "daemon/jobs/publish.h"

/*
 * What would a stamp change? Reports a line with job_report_progress() for each module and for each row that would come
 * (+), go (-) or change (~); rows are named by their keys, values are not shown, they may be secret. Runtime is not
 * touched; memory is the only place where ProxySQL shows what its file has, so it gets the file's rows for a moment and
 * is put back as it was.
 */
MUST_CHECK int stamp_dry_run(const struct publisher *to, struct error *err);
