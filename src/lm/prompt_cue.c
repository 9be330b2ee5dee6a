#include "lm/prompt_cue.h"

#define CLASSIFICATION AGLM_PROMPT_CLASSIFICATION
#define EXTRACTION AGLM_PROMPT_EXTRACTION
#define SUMMARIZATION AGLM_PROMPT_SUMMARIZATION
#define QUESTION AGLM_PROMPT_QUESTION_ANSWERING
#define TRANSLATION AGLM_PROMPT_TRANSLATION
#define REWRITING AGLM_PROMPT_REWRITING
#define CODE AGLM_PROMPT_CODE
#define ARITHMETIC AGLM_PROMPT_ARITHMETIC
#define CHAT AGLM_PROMPT_CHAT
#define GENERATION AGLM_PROMPT_TEXT_GENERATION

/* Weights are logarithms of odds, set by hand: 3 all but settles a prompt that says nothing else.
 */
const aglm_prompt_cue aglm_prompt_cues[] = {
    {CLASSIFICATION, 3.0,
     "^classif~|^clasif~|^categori~|classify|text classifier|^label the|^label each|^tag the|"
     "^tag each|sentiment:$|sentiment$|label:$|category:$|class:$|intent:$|topic:$|emotion:$|"
     "genre:$|stars*:$|positive or negative|negative or positive|positive/n~|positive, n~|"
     "which category|which class|which label|which genre|which topic|what category|what topic|"
     "which queue|which department"},
    {CLASSIFICATION, 3.0,
     "分类|归类|归为|类别|情感分析|情感倾向|情感极性|情绪极性|正面还是负面|负面还是正面|"
     "积极还是消极|积极或消极|积极、消极|积极,消极|好评还是差评|垃圾短信|垃圾邮件|情感:$|情绪:$|"
     "标签:$|意图:$|打*标签|打标|贴标签|标签集合|哪一类|哪类|是否违规|文本分类|正面或负面|"
     "正面、负面|褒义|贬义|分为*或|分为*和|^判断以下|^判断下|分为*组|分成*类|分成*组|真伪"},
    {CLASSIFICATION, 2.0,
     "spam|clickbait|hateful|hate speech|toxic~|sarcastic|sarcasm|phishing|entail~|contradict~|"
     "belong~ to|falls into|fall into|assign a|assign the|assign each|assign one|"
     "one of the following|one of these|one of [|choose from|options:|labels:|the labels|"
     "classes:|categories:|categories|possible labels|yes or no|true or false|^is the following|"
     "^is this|^decide whether|^decide if|determine whether|determine if|detect whether|"
     "identify whether|predict whether|tell me if|tell me whether|say whether|say if|^rate the|"
     "^rate this|^rate each|sentiment of|sentiment|answer type|moderator|duplicates of|"
     "duplicate questions|same meaning|fact or|fact or an opinion|reply true|answer true|"
     "answer entailment|output allow|priority of|^sort them"},
    {CLASSIFICATION, 2.0,
     "属于*还是|属于哪|属于什么|属于*哪|讽刺|反讽|蕴含|矛盾|中性|消极|负面|用户意图|意图|"
     "紧急程度|是或否|是/否|不同类|判断对错|判断*类型|标注|打分|评级|审核|只回答|一样吗|"
     "是否相同|意思相同|语义*相同|是不是|算不算|表达的情绪|哪种情绪|什么情绪|哪个队列|哪个部门|"
     "真还是假|对还是错|知识点|选一个|选出一个|合规|敏感|相似性|是否相似"},
    {CLASSIFICATION, 1.2,
     "^does this|^does the|^sort|^grade|^decide|^determine|^detect|^identify whether|intent|"
     "emotion|urgent|positive|negative|neutral|ham|options|one word|output only|answer only|"
     "category|label|labels|either|group these|group the|class|classes|hate|offensive|"
     "appropriate|moderat~|genre|是否|类型|判断|一类|极性"},
    {EXTRACTION, 3.0,
     "^extract~|extract|extract all|^pull out|pull out|named entit~|entity recognition|entities|"
     "ner|triples|^parse|^list every * mentioned|^list all * mentioned|^find all|^find every|"
     "^identify the keywords|^identify keywords|keyword extraction|keywords|key phrases|"
     "keyphrases|^grab|pick out|^underline|^highlight the|^copy out|action items|line items|"
     "^locate all|^locate|fill the schema|fill in the schema|into fields|mentioned in|"
     "are mentioned|listed in|named in|contained in|information extraction"},
    {EXTRACTION, 3.0,
     "抽取|提取|抽出|摘出|摘录|实体|三元组|槽位|关键词提取|提取关键词|识别出|找出|挑出|圈出|"
     "抓取*关键词|列出文中|文中出现|文中提到|中提到了哪些|中提到的|出现了哪些|待办事项*列|"
     "事件抽取|中的人名|中的时间|找出来|挑出来|列成表格|都列出来|摘出来|识别句中|识别文中|"
     "从*中找|从*中列|从*中挑|从*里找|主语*谓语|根据文本填写|填写表格|中出现的|信息结构化|"
     "病历*结构化|结构化,"},
    {EXTRACTION, 2.0,
     "as json|in json|json only|json with|return json|output json|into json|to json|json format|"
     "json object|schema|fields|with keys|key facts|list only|list the names|names only|"
     "return only|list them|from the text|from the following|from this|from the sentence|"
     "in this text|in the text|in this paragraph|in the passage|phone numbers|email addresses|"
     "separate with commas|^get all|^get every|^collect|^scrape|^read the contract|csv|"
     "adjectives in|verbs in|nouns in|as a table|all the dates|every date|all dates|"
     "comma separated|i need:|^find the|^list all the|people mentioned|spans"},
    {EXTRACTION, 2.0,
     "获取以下|文中|列出*姓名|只需列出|用顿号隔开|人名|地名|机构名|电话号码|收件人|输出格式|"
     "快递单号|这段话中的|这段话里的|句中的|句子中的|中的*关键词|拆成|关键词|关键信息|以下信息|"
     "哪些公司|实体类型|json"},
    {EXTRACTION, 1.0,
     "^list|^identify|^find|^return|^get|^gather|^give me the|提到|字段|输出姓名|结构化|^识别|"
     "列*表格"},
    {SUMMARIZATION, 3.0,
     "^summar~|^sumar~|summarize|summarise|summary|summaries|sumarize|tl;dr|tldr|^condense|"
     "sum up|in a nutshell|gist|synopsis|write an abstract|^recap|recap|short recap|a headline|"
     "headline for|title for|main idea|main point~|main argument~|key point~|takeaway~|"
     "key arguments|boil|boil * down|executive summary|main theme|bullet point the|"
     "don't have time to read|what do i need to know|bullet-point notes|abridge|^digest|"
     "^outline the key"},
    {SUMMARIZATION, 3.0,
     "总结|概括|摘要|归纳|概述|概要|提炼|缩写|压缩|浓缩|中心思想|主要内容|主要讲|讲了什么|"
     "讲了啥|说了啥|讲的是什么|要点|梗概|段落大意|大意|小结|纪要|核心观点|主要观点|中心句|主旨|"
     "太长不看|没时间看|起*标题|拟*标题|取*标题|主要情节|文摘|简要概|太长了|一句话说|写*摘要|"
     "生成*摘要|总结出|最重要的*个|适当的标题|一个标题|合适的标题|选择*标题"},
    {SUMMARIZATION, 1.5,
     "in one sentence|in two sentences|in three sentences|in one paragraph|in two lines|to one|"
     "^shorten this|^reduce the|its essentials|key ideas|shorter version|^outline|"
     "plain-english sentence|under 30 words|under 50 words|under 100 words|to one tweet|down to|"
     "pros and cons|in short|brief|^shorten|^abstract|bullet points|in bullets|说了什么|一句话|"
     "三句话|几句话|字以内|不超过*字|用三点|三点|精炼|给领导看|简单说说|简要"},
    {QUESTION, 2.0,
     "^what is|^what are|^what's|^what was|^what were|^who|^when|^where|^why|^whose|^how do|"
     "^how does|^how can|^how did|^how is|^how to|^how are|^how should|^which|"
     "difference between|differences between|answer the question|answer the following|question:|"
     "^q:|according to|based on the text|based on the passage|using the passage|"
     "choose the correct|multiple choice|correct answer|a:$|answer:$|^explain|explain how|"
     "explain what|explain why|^tell me about|what causes|symptoms of|how many countries|"
     "is it safe|is it true|^describe the|^define|what happens|^give me information|^discuss|"
     "^compare|and why|why or why not"},
    {QUESTION, 2.0,
     "为什么|为啥|是什么|什么是|有什么|哪里|在哪|哪个|哪些|哪一年|哪位|哪国|是谁|谁|怎么样才|"
     "怎么办|怎样|如何|多久|区别|不同$|有什么不同|原因|原理|回答问题|回答下|回答后面|回答以下|"
     "答案:$|单选题|多选题|选择题|下列哪|下列关于|有哪些|请解释|解释一下|^介绍|^简述|^解释|"
     "^说明|^论述|简述|吗$|呢$|什么叫|含义|典故|典故出自|出自哪|会不会|能不能|是否可以|应该怎|"
     "什么时候|到底|为何|哪家|哪种|什么作用|作用|最佳答案|正确的答案|正确答案|适用的选项|"
     "选择填空|以下问题|下列问题|提供*答案|的答案|从以下选项|从下列选项|选项中选择|的影响|"
     "的概念|的意义|的历史|好还是|说明理由|相关信息|的重要性"},
    {QUESTION, 0.7,
     "^can|^is|^are|^do|^does|^did|^was|^were|^should|^will|explain|where can|better for|"
     "which is better|passage|问题:|问:|怎么|什么|吗|哪|介绍|解释|请问|说明|材料:|阅读|常识|几|"
     "应该|知识|历史|多高|多长|多大|几个|多少|passage:|context:|^what|^how"},
    {TRANSLATION, 3.0,
     "^translat~|^trasnlat~|translate|translate this|translate to|translation|translator|into @|"
     "@ to @|@ -> @|en->~|en -> ~|-> @|@:$|how do you say|how would you say|how to say|"
     "^localize|^localise|@ translation|@ word for|word for * in @|in english?|mean in @|"
     "say in @|menu in @|@ equivalent|^convert * from @|^@, please|^@ please|^@, bitte|"
     "^render * in @|^write this in @"},
    {TRANSLATION, 3.0,
     "翻译|译成|译为|翻成|翻译成|中译|英译|译文|直译|意译|汉译|日译|怎么讲|用@怎么|用@表达|"
     "@怎么说|@怎么讲|@单词|用@说|转成@|换成@|变成@|本地化为@|成@|翻一下|改成@|@是什么意思|"
     "的@是什么|译$|@翻|求翻|文言文|白话"},
    {TRANSLATION, 1.3,
     "in @|to @|from @|^render|^put the following into|subtitle~|^put * into|say * in|"
     "what does * say|^interpret|@怎么|什么意思|@|互译|单词|逐句"},
    {REWRITING, 3.0,
     "^rewrite|rewrite|^rephrase|rephrase|^paraphras~|paraphrase|reword|^proofread|proofread|"
     "^polish|correct the gramm~|fix the gramm~|gramm~|grammer|typos|fix the spelling|spelling|"
     "more formal|formal tone|friendlier|sound natural|sounds natural|read naturally|"
     "make it sound|say this differently|say * differently|other ways to say|other way to say|"
     "past tense|present tense|future tense|active voice|passive voice|third person|"
     "first person|plagiari~|without changing|dont change|don't change my|in the style of|"
     "combine these|combine the|concision|soften|jargon|change the tone|tone|reading level|"
     "^make this|^make it|^make the|edit for"},
    {REWRITING, 3.0,
     "改写|润色|改成|改为|换成|换个说法|换一种|换种|重写|纠正|修改|病句|错别字|语法错误|语法|"
     "扩写|更正式|正式一点|更礼貌|礼貌一|委婉|口语化|书面语|同义句|降重|优化*描述|精简一下|精简|"
     "通顺|改得|第三人称|第一人称|被动|主动句|陈述句|反问句|重新表述|表述|意思别变|意思不变|"
     "不改变原意|仿照|仿写|换个语气|语气太|写得更好|更有吸引力|更简单易懂|间接引语|改一下|"
     "转换成|转成|改动|更加*一些|^编辑|重新写|重新编写|重述|重新组织|标点|删除*句子|^删除|"
     "相反含义|更加简|使其更|使其符合|使得*更加|诗歌形式"},
    {REWRITING, 1.5,
     "^simplify this|^simplify the|^expand this|^expand the|^expand|^edit|^improve|^correct|"
     "^fix typos|^replace all|^replace|^remove the|^change|^convert to|^turn * into|^turn this|"
     "politely|polite|shorter|concise|more persuasive|^combine|^reorder|natural|clarity|"
     "for publication|reads like|sounds too|my essay|improve the|complete sentences|synonym~|"
     "too blunt|^transform|^simplify|punchier|same content|优化|调整一下|调整|完善|更地道|"
     "合并成|替换|丰富|修饰|同义|转化|更*一点|简化|风格"},
    {CODE, 2.5,
     "python|javascript|typescript|c++|c#|java|rust|golang|sql|bash|shell script|regex|regexp|"
     "regular expression|html|css|php|kotlin|react|vue|node.js|dockerfile|docker|numpy|pandas|"
     "flask|django|git|nginx|kubernetes yaml|leetcode|quicksort|bubble sort|linked list|"
     "binary tree|binary search|time complexity|segmentation fault|traceback|stack trace|"
     "exception|unit test~|rest api|list comprehension|type hints|typescript interface|"
     "source code|this code|c code|pr diff|async/await|callback|this function|the function:|"
     "code snippet|this regex|pip install|npm|cmake|makefile|sudo|indexerror|typeerror|"
     "valueerror|nullpointerexception|stack overflow"},
    {CODE, 2.5,
     "代码|编程|编写程序|写*程序|脚本|报错|正则|爬虫|链表|递归|时间复杂度|数据库|查询语句|"
     "小程序的页面|线程安全|单元测试|冒泡排序|快速排序|排序算法|单例模式|用python|用c|c语言|"
     "java类|编写*函数|写*函数|编写一个函数|反向代理|内存溢出|列表推导|登录页面|实现*算法|"
     "二分查找|二叉树|算法题|前端|后端*代码"},
    {CODE, 1.3,
     "code|function|script|algorithm|bug|debug~|compile~|refactor|class|^implement|query|"
     "endpoint|loop|command|one-liner|web page|html page|component|database|method|recursion|"
     "array|api|programming|json below|go|^optimize this|merge two|test cases|parser|snippet|"
     "variable|函数|程序|算法|接口|网页|注释|^实现|循环|语句|数组|参数|配置|提交|分支|编译|调用|"
     "字符串|代码示例|编写一个*程序"},
    {ARITHMETIC, 3.0,
     "^calculate|^compute|solve for|solve the equation|greatest common|least common|square root|"
     "derivative|integral|average speed|next number|area of|volume of|perimeter|probability of|"
     "sqrt|^convert * degrees|simplify:|^evaluate|compounded|mean and median|sum of|"
     "prime factor~|decimal places|equation|% of|% tip|original price|how old is|percent of|"
     "fahrenheit|work out the|times table"},
    {ARITHMETIC, 3.0,
     "^计算|解方程|解下列方程|方程|求*面积|求*周长|求*体积|求*的和|求*导数|的导数|鸡兔同笼|质数|"
     "公约数|公倍数|下一个数|应找|找我多少|平均每|等差|等比|每小时行|几小时后|简便计算|概率是|"
     "换算成|阶乘|等于多少|等于几|几分之|乘以|除以|概率|勾股|开平方|平方根|列式|应用题|函数y|"
     "函数 y|不等式|求解"},
    {ARITHMETIC, 1.5,
     "^solve|percent|average|fraction|^round|discount|multiply|divided by|divide|"
     "^find the numbers|altogether|in total|total cost|remain~|are left|does * have left|"
     "have now|per hour|mph|km/h|interest|twice as|show the steps|in cm|还剩|剩下|一共|打*折|"
     "周长|面积|平均|总共|得数|倍|原价|共有多少|几辆|几只|几人|几本|和是|差是|^求|百分之几|"
     "可以*几|能*几|几张|几袋|几束|几枝|几颗|几块|几米|几元|几页|几次|几小时|几分钟|几千克|"
     "数学问题|少看|利率|算出|计算一|计算下|计算出"},
    {ARITHMETIC, 0.8, "how much|how many|多少|算一算"},
    {CHAT, 3.0,
     "^hi$|^hi there|^hi,|^hello|^hey$|^hey there|^hey,|^hiya|^sup$|^yo$|how are you|"
     "how's it going|your name|who are you|tell me a joke|a joke|^thanks|^thank you|^bye|"
     "^ok bye|^goodnight|^good night|^good morning|^good evening|i love you|love talking|"
     "talk to me|can we talk|let's chat|chat with me|stay in character|assistant:$|a bot|an ai|"
     "a real person|entertain me|i'm bored|pretend you|pretend to be|act as my|roleplay|"
     "role-play|role play|long time no see|^guess what|lonely|i can't sleep|who am i talking|"
     "do you ever|do you like|what do you like|do you think i|do you love|girlfriend|boyfriend"},
    {CHAT, 3.0,
     "^你好|^您好|^在吗|^嗨|哈哈|^早上好|^晚上好|^早呀|^晚安|^谢谢你|^谢谢|你是谁|你叫什么|"
     "你几岁|陪我|聊聊天|聊天|聊聊|唠|难过|好累|无聊|失恋|讲个笑话|笑话|口吻和我|猜猜|拜拜|再见|"
     "吵架|压力很大|压力好大|好久不见|你是真人|机器人吗|助手:$|你有感情|自己有感情|你真|你也太|"
     "你会一直|女朋友|男朋友|你喜欢|你平时|接龙|不知道跟谁说|没人理解|你觉得自己|你扮演我|"
     "你爱我|爱你|睡不着|心情不好|心情糟|心里好|心里难|我好难|我好累|我好紧|我好烦|我好孤|"
     "想我了|最近怎么样"},
    {CHAT, 1.5,
     "^i feel|^i'm|^i am|^i just|^i love|^i hate|^my boss|lol|haha|ugh|omg|^are you|^do you|"
     "^you are|^pretend|^act as|^let's play|let's|worst day|rough day|freaking out|"
     "nobody understands|helpful|you the best|you are the best|did you sleep|what did you think|"
     "should i text|later|i got the job|talk|^greet|nice to meet|my day|how was your|miss you|"
     "你觉得|你会|你能不能陪|扮演|^我今天|^今天|^我们来玩|我最近|过得|紧张|开心|嘛|呀$|啦$|吧$|"
     "你是我|下班回来|帮了我|晚安|好想|烦|哭|你好"},
    {GENERATION, 2.2,
     "^write a|^write an|^write me|^write|^compose|^draft|^brainstorm|^come up with|^continue|"
     "once upon a time|short story|bedtime story|poem|essay|lyrics|slogan|speech|"
     "product description for|write a product description|^make up|names for|ideas for|"
     "five ideas|^create a|^design a|^generate three|^generate|^plan a|lesson plan|itinerary|"
     "linkedin post|blog post|^suggest|^top 10|^dear|haiku|rap battle|marketing plan|"
     "cover letter|screenplay|monologue|^invent|tagline|a story|song about|^imagine|^recommend"},
    {GENERATION, 2.2,
     "^写一|写一首|写一封|写一份|写篇|写首|写封|创作|撰写|作文|散文|绝句|文案|小说|续写|广告语|"
     "口号|致辞|演讲稿|剧本|写*对话|一段*对话|策划|为题|种草|^设计|^制定|辞职信|感谢信|情书|"
     "贺词|台词|头脑风暴|开头写|攻略|^编一|^编个|^编写*故事|起*个名|起*名字|取*名字|点子|"
     "写*故事|写*诗|^创造|^虚构|^构思|^想象|^描绘|^讲一个|^讲述|营销方案|计划书|排个行程|"
     "制定*计划|^写个|^推荐|^建议|^尊敬的|^亲爱的|编写*文章|编写*描述|写*文章|博客文章"},
    {GENERATION, 1.0,
     "story|email|letter|tweet|dialogue|review of|ideas|plan|schedule|names|questions for|"
     "interview questions|about a|about the|about my|announcing|in the style|emojis|word essay|"
     "i need a|邮件|朋友圈|小红书|想几个|创意|想出|发言稿|标语|理由|不少于|^写|故事|^列举|"
     "^列出*种|^列出*个|^列举*个|列出一些|^提供*个|^提供*种|^给出*个|^提出|^生成|^描述|^阐述|"
     "^思考|^假设你|^假如|^如果你|方案|计划|行程|建议|推荐|一些想法|的方法$|意见"},
};
const size_t aglm_prompt_cue_count = sizeof aglm_prompt_cues / sizeof aglm_prompt_cues[0];
