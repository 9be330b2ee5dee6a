/* cli/commands.h - the commands, each in a file of its own.
 * Threads: constant tables. */
#ifndef AGLM_CLI_COMMANDS_H
#define AGLM_CLI_COMMANDS_H

#include "cli/command.h"

extern const aglm_command aglm_command_tune;
extern const aglm_command aglm_command_predict;
extern const aglm_command aglm_command_eval;
extern const aglm_command aglm_command_generate;
extern const aglm_command aglm_command_model;
extern const aglm_command aglm_command_prompt;
extern const aglm_command aglm_command_optimize;
extern const aglm_command aglm_command_worker;
extern const aglm_command aglm_command_ask;
extern const aglm_command aglm_command_tell;
extern const aglm_command aglm_command_study;
extern const aglm_command aglm_command_strategy;
extern const aglm_command aglm_command_doctor;
extern const aglm_command aglm_command_help;

/* Options that several commands share. */
#define AGLM_OPTIONS_READ                                                                          \
    {"format",                                                                                     \
     0,                                                                                            \
     AGLM_OPTION_WORD,                                                                             \
     "F",                                                                                          \
     "csv, tsv, jsonl, json, fasttext, folder or lines; default: found out",                       \
     "csv|tsv|jsonl|json|fasttext|conll|folder|lines",                                             \
     0,                                                                                            \
     0},                                                                                           \
        {"encoding",                                                                               \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "E",                                                                                      \
         "utf-8, gb18030, utf-16 or latin1; default: found out",                                   \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"header",                                                                                 \
         0,                                                                                        \
         AGLM_OPTION_WORD,                                                                         \
         "YES|NO",                                                                                 \
         "is the first row of names? default: found out",                                          \
         "yes|no",                                                                                 \
         0,                                                                                        \
         0},                                                                                       \
        {"features",                                                                               \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "A,B",                                                                                    \
         "columns of a table to learn from; default: all that can be learned from",                \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"label",                                                                                  \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "COL",                                                                                    \
         "column of labels, by name or number; default: found out",                                \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"text",                                                                                   \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "COL",                                                                                    \
         "column of texts (several: A,B); default: found out",                                     \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"skip-bad-rows",                                                                          \
         0,                                                                                        \
         AGLM_OPTION_FLAG,                                                                         \
         NULL,                                                                                     \
         "count bad rows instead of failing at the first",                                         \
         NULL,                                                                                     \
         0,                                                                                        \
         0}

#endif
