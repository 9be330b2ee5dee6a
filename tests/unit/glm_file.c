/* glm_file - writes a tiny model file for tests of the real program.
 * usage: glm_file FILE */
#include "base/file.h"
#include "glm_model.h"
#include "unit.h"

int main(int argc, char **argv)
{
    aglm_error err = {0};
    aglm_str s;

    if (argc != 2)
        return 2;
    aglm_str_init(&s, (size_t)64 << 20);
    glm_model_make(GLM_GLM4, 7, NULL, &s);
    aglm_rc rc = aglm_file_write(argv[1], s.data, s.len, &err);
    if (rc != AGLM_OK)
        fprintf(stderr, "%s\n", err.msg);
    aglm_str_clear(&s);
    return rc == AGLM_OK ? 0 : 1;
}
