#include "proto/socket_path.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder != NULL && folder[0] == '/' ? folder : "/tmp";
}

int socket_path_place(size_t index, uid_t uid, char ret_path[static SOCKET_PATH_SIZE],
                      char ret_folder[static SOCKET_PATH_SIZE])
{
    assert(index < SOCKET_PLACES);
    if (index == 0)
        (void)snprintf(ret_folder, SOCKET_PATH_SIZE, "%s", SOCKET_RUN_FOLDER);
    else if (snprintf(ret_folder, SOCKET_PATH_SIZE, "%s/proxysql-agent-%u", temporary_folder(), (unsigned)uid) >=
             SOCKET_PATH_SIZE)
        return -ENAMETOOLONG;
    return snprintf(ret_path, SOCKET_PATH_SIZE, "%s/agent.sock", ret_folder) < SOCKET_PATH_SIZE ? 0 : -ENAMETOOLONG;
}
