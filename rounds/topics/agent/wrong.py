"""Wrong programs for the agent loop and its calculator: the mistakes people make.

The sentence of each is what the learner reads: what is seen, why, an input where
it shows; never the code.
"""

import ast
import json
import math
import operator
import re
from concurrent.futures import ThreadPoolExecutor, as_completed
from decimal import Decimal
from fractions import Fraction

from rounds.bank import edit, mistake
from rounds.topics.agent.right import Tool, run_agent, safe_eval


def agent(slug: str, says: str, old: str, new: str, seen_in: str = ""):
    return edit("run_agent", slug, says, old, new, seen_in)


def calculator(slug: str, says: str, old: str, new: str, seen_in: str = ""):
    return edit("safe_eval", slug, says, old, new, seen_in)


# run_agent: the loop and its cap

no_cap = agent(
    "no-cap",
    "The run does not stop at max_steps. A model that never gives a final answer is "
    "asked for ever, and every call is paid for.",
    "for step in range(1, max_steps + 1):",
    "for step in range(1, 1000):",
)
cap_of_six = agent(
    "cap-ignores-max-steps",
    "The cap is always the same, whatever max_steps says.",
    "for step in range(1, max_steps + 1):",
    "for step in range(1, 7):",
)
one_too_many = agent(
    "one-call-too-many",
    "The model is asked once more than max_steps allows: with max_steps=1 it is asked "
    "twice.",
    "for step in range(1, max_steps + 1):",
    "for step in range(1, max_steps + 2):",
)
one_too_few = agent(
    "one-call-too-few",
    "The run stops one call before max_steps: with max_steps=2 the model is asked once "
    "only.",
    "for step in range(1, max_steps + 1):",
    "for step in range(1, max_steps):",
)
one_too_few_but_one = agent(
    "one-call-too-few",
    "",
    "for step in range(1, max_steps + 1):",
    "for step in range(1, max(2, max_steps)):",
)
FINAL_AT_CAP = (
    "The last reply that max_steps allows was final, and was not looked at: the run "
    "ended with step_cap. Read the reply first, then count."
)
final_at_cap = agent(
    "final-at-the-cap-missed",
    FINAL_AT_CAP,
    """        try:
            action = json.loads(reply)
""",
    """        if step == max_steps:
            break
        try:
            action = json.loads(reply)
""",
)
cap_looks_final = agent(
    "cap-told-as-final",
    "At the cap the status says final, so that nobody can tell a run that was cut off "
    "from an answer. It is step_cap, and the answer None.",
    'return Result("step_cap", None, max_steps, transcript)',
    'return Result("final", None, max_steps, transcript)',
)
cap_with_text = agent(
    "cap-told-as-final",
    "",
    'return Result("step_cap", None, max_steps, transcript)',
    'return Result("final", "I could not finish.", max_steps, transcript)',
)
cap_answers = agent(
    "answer-at-the-cap",
    "At the cap there is an answer, the last thing that was said. Nothing was answered: "
    "unless the status is final the answer is None.",
    'return Result("step_cap", None, max_steps, transcript)',
    'return Result("step_cap", reply, max_steps, transcript)',
)
cap_raises = agent(
    "cap-raises",
    "At the cap an exception is raised, and the transcript is lost with it. The cap is "
    "an ending like others: a result whose status is step_cap.",
    'return Result("step_cap", None, max_steps, transcript)',
    'raise RuntimeError("too many steps")',
)
cap_is_an_error = agent(
    "cap-told-as-error",
    "At the cap the status is error. That is for a model that fails; here it answered "
    "every time, and the status is step_cap.",
    'return Result("step_cap", None, max_steps, transcript)',
    'return Result("error", None, max_steps, transcript)',
)
malformed_is_free = agent(
    "malformed-replies-not-counted",
    "A malformed reply is not counted as a step. A model that never writes JSON is then "
    "asked without end: every call of the model counts.",
    "    for step in range(1, max_steps + 1):\n",
    """    steps = iter(range(1, max_steps + 1))
    action = {}
    for _ in range(100):
        if isinstance(action, dict):
            step = next(steps, None)
        if step is None:
            break
""",
)
no_json_is_free = agent(
    "malformed-replies-not-counted",
    "",
    "    for step in range(1, max_steps + 1):\n",
    """    steps = iter(range(1, max_steps + 1))
    reply = "{}"
    for _ in range(100):
        try:
            json.loads(reply)
            step = next(steps, None)
        except ValueError:
            pass
        if step is None:
            break
""",
)
steps_from_zero = agent(
    "steps-one-short",
    "steps is one too small: it counts the calls of the model, and the one that brought "
    "the final answer was a call too.",
    'return Result("final", action["final"], step, transcript)',
    'return Result("final", action["final"], step - 1, transcript)',
)
steps_of_tools = agent(
    "steps-count-tool-calls",
    "steps counts the calls of tools. It is the number of calls of the model, malformed "
    "replies and the final one included.",
    'return Result("final", action["final"], step, transcript)',
    'return Result("final", action["final"], len(past), transcript)',
)
steps_of_messages = agent(
    "steps-count-messages",
    "steps is the number of messages. It is the number of calls of the model.",
    'return Result("final", action["final"], step, transcript)',
    'return Result("final", action["final"], len(transcript), transcript)',
)
status_done = agent(
    "another-word-for-final",
    "The run ended as it should, but its status is not the word that was agreed: final.",
    'return Result("final", action["final"], step, transcript)',
    'return Result("done", action["final"], step, transcript)',
)
answer_as_text = agent(
    "answer-turned-into-text",
    "The answer was turned into text. It is the value of final as JSON gives it: 42 "
    "stays a number and a list a list.",
    'return Result("final", action["final"], step, transcript)',
    'return Result("final", str(action["final"]), step, transcript)',
)
answer_is_the_reply = agent(
    "whole-reply-as-answer",
    "The answer is the whole reply. It is what stands under final.",
    'return Result("final", action["final"], step, transcript)',
    'return Result("final", reply, step, transcript)',
)
answer_is_the_object = agent(
    "whole-reply-as-answer",
    "",
    'return Result("final", action["final"], step, transcript)',
    'return Result("final", action, step, transcript)',
)

FALSY = (
    "A falsy answer was not taken for one: 0, an empty text or an empty list is a final "
    "answer. Ask whether the key is there, not whether its value is true."
)
falsy_missed = agent(
    "falsy-final-missed",
    FALSY,
    'elif "final" in action:',
    'elif action.get("final"):',
)


falsy_after_tool = agent(
    "null-final-missed",
    "An answer of null was not taken for one. The key is there, so the run has ended, "
    "and the answer is None.",
    'elif "final" in action:',
    'elif action.get("final") is not None:',
)
falsy_answer_lost = agent(
    "falsy-answer-becomes-none",
    "A falsy answer came back as None: 0, False and an empty text are answers of their "
    "own.",
    'return Result("final", action["final"], step, transcript)',
    'return Result("final", action["final"] or None, step, transcript)',
)
final_text_only = agent(
    "only-text-is-final",
    "Only a text was taken for a final answer. The value may be of any JSON type: a "
    "number, a list, null.",
    'elif "final" in action:',
    'elif isinstance(action.get("final"), str):',
)
tool_before_final = agent(
    "tool-runs-beside-final",
    "A tool ran although the reply was final. final wins, and nothing runs beside it.",
    'elif "final" in action:\n',
    'elif "final" in action:\n'
    '            for call in [*(calls or []), action][: 1 if "tool" in action or calls '
    "else 0]:\n"
    "                perform(call)\n",
)
tool_wins = agent(
    "tool-wins-over-final",
    "The reply holds a tool and final, and the run went on with the tool. final wins.",
    'elif "final" in action:',
    'elif "final" in action and "tool" not in action and not calls:',
)

# The transcript

no_assistant = agent(
    "assistant-turn-missing",
    "The model's own replies are missing from what it is sent: it sees observations, "
    "but not what it did to get them, and does it again.",
    '        transcript.append({"role": "assistant", "content": reply})\n',
    "",
)
assistant_after = agent(
    "assistant-turn-after-observation",
    "The observation stands before the reply that asked for it. The model's turn is "
    "recorded first, whatever comes of it.",
    '        transcript.append({"role": "assistant", "content": reply})\n',
    """        if "final" in reply:
            transcript.append({"role": "assistant", "content": reply})
        else:
            seen = len(transcript)

            def observe(text, place=seen, said=reply):
                del transcript[place + 1 :]
                text = text if len(text) <= 2000 else text[:1989] + "[truncated]"
                transcript.insert(place, {"role": "user", "content": text})
                transcript[place + 1 :] = [{"role": "assistant", "content": said}]

""",
)
malformed_not_recorded = agent(
    "malformed-reply-not-recorded",
    "A malformed reply is not in the transcript: the model is told that something was "
    "wrong, but not with what. Every reply is recorded.",
    """        try:
            action = json.loads(reply)
        except (ValueError, RecursionError):
            action = None
""",
    """        try:
            action = json.loads(reply)
        except (ValueError, RecursionError):
            action = None
            transcript.pop()
""",
)
final_not_recorded = agent(
    "final-reply-not-recorded",
    "The transcript ends before the final reply. It holds every reply, the last one "
    "too, so that a reader sees how the run ended.",
    'return Result("final", action["final"], step, transcript)',
    'return Result("final", action["final"], step, transcript[:-1])',
)
reply_rewritten = agent(
    "reply-not-verbatim",
    "The model's turn is not recorded as it was said. Record the reply itself, not what "
    "was made of it.",
    '        transcript.append({"role": "assistant", "content": reply})\n',
    '        transcript.append({"role": "assistant", "content": " ".join('
    "sorted(reply.split()))})\n",
)
FORGETS = (
    "A prompt does not hold all that was said before: what is left out, an observation "
    "or your own first message, the model forgets. Each prompt is the whole transcript "
    "so far."
)
only_last = agent(
    "history-not-sent",
    FORGETS,
    "reply = llm(transcript)",
    "reply = llm(transcript[:2] + transcript[2:][-2:])",
)
only_first = agent(
    "history-not-sent",
    "",
    "reply = llm(transcript)",
    "reply = llm(transcript[:2])",
)
observation_last = agent(
    "history-not-sent",
    "",
    "reply = llm(transcript)",
    "reply = llm(transcript[-1:])",
)
system_only_first = agent(
    "history-not-sent",
    "",
    "reply = llm(transcript)",
    "reply = llm(transcript if step == 1 else transcript[1:])",
)
observation_as_system = agent(
    "observation-in-system-role",
    "An observation has the role system. What a tool returns may come from anybody; the "
    "system role would make it an instruction. It is user or tool.",
    'transcript.append({"role": "user", "content": text})',
    'transcript.append({"role": "system", "content": text})',
)
observation_as_assistant = agent(
    "observation-in-assistant-role",
    "An observation has the role assistant, as if the model had said it itself. It is "
    "user or tool.",
    'transcript.append({"role": "user", "content": text})',
    'transcript.append({"role": "assistant", "content": text})',
)
results_in_system = agent(
    "result-in-the-system-message",
    "What a tool returned was written into the system message. It is data from outside, "
    "and stays in observations.",
    "            return note + str(tool.fn(**args))\n",
    "            result = str(tool.fn(**args))\n"
    '            transcript[0]["content"] += f" Known: {result}"\n'
    "            return note + result\n",
)
task_in_system = agent(
    "task-not-in-a-user-message",
    "No message of the role user holds the task as it is: it is missing, was changed "
    "on the way, or stands in the system message.",
    '{"role": "user", "content": task},',
    '{"role": "system", "content": task},',
)
task_formatted = agent(
    "task-not-in-a-user-message",
    "",
    '{"role": "user", "content": task},',
    '{"role": "user", "content": json.dumps(task)[1:-1].lower()},',
)
task_missing = agent(
    "task-not-in-a-user-message",
    "",
    '        {"role": "user", "content": task},\n',
    '        {"role": "user", "content": "Begin."},\n',
)
shared_transcript = agent(
    "transcript-shared-between-runs",
    "A run begins with the messages of the one before: the list is kept, in a default "
    "argument or a global, and grows from run to run.",
    "    past, spent = [], 0\n",
    "    kept = run_agent.__dict__.setdefault('kept', [])\n"
    "    kept[:] = kept[-4:] + transcript\n"
    "    transcript = kept\n"
    "    past, spent = [], 0\n",
)

# What a model may get wrong

JSON_ESCAPES = (
    "A reply that is not JSON ends the run with an exception. Models do write prose: "
    "tell it what was wrong, and go on."
)
json_escapes = agent(
    "bad-json-escapes",
    JSON_ESCAPES,
    """        try:
            action = json.loads(reply)
        except (ValueError, RecursionError):
            action = None
""",
    "        action = json.loads(reply)\n",
)
json_ends_run = agent(
    "bad-json-ends-the-run",
    "A reply that is not JSON ends the run. The model can mend it when it is told: an "
    "observation, and on.",
    "            action = None\n",
    '            return Result("error", None, step, transcript)\n',
)
prose_is_final = agent(
    "prose-taken-for-the-answer",
    "A reply that is not JSON was taken for the final answer. Only an object with final "
    "ends the run; a model that thinks aloud has not answered.",
    "            action = None\n",
    '            return Result("final", reply, step, transcript)\n',
)
json_not_told = agent(
    "malformed-reply-not-told",
    "After a malformed reply the model is asked again without being told what was wrong. "
    "It is likely to say the same: an observation is due.",
    '            observe("malformed: the whole reply is to be one JSON object")\n',
    "            continue\n",
)
no_object_check = agent(
    "json-of-the-wrong-shape-escapes",
    "JSON that is no object ends the run with an exception: 3, null, a text or a list "
    "is valid JSON too, and is to be told to the model.",
    """        calls = action.get("calls") if isinstance(action, dict) else None
        if not isinstance(action, dict):
""",
    """        calls = None
        if action is None and reply != "null":
""",
)
text_final = agent(
    "json-text-taken-for-final",
    "A JSON text or list with the word final in it was taken for a final answer. Only "
    "an object has keys.",
    "        if not isinstance(action, dict):\n",
    '        if isinstance(action, str | list) and "final" in action:\n'
    '            return Result("final", "final", step, transcript)\n'
    "        if not isinstance(action, dict):\n",
)
scalar_is_final = agent(
    "json-value-taken-for-final",
    "JSON that is no object was taken for the final answer. Only an object with final "
    "ends the run.",
    "        if not isinstance(action, dict):\n",
    "        if action is not None and not isinstance(action, dict):\n"
    '            return Result("final", action, step, transcript)\n'
    "        if not isinstance(action, dict):\n",
)
no_key_crash = agent(
    "missing-key-escapes",
    "An object with neither tool nor calls nor final ends the run with an exception. It "
    "is malformed like any other: tell the model.",
    '            observe(f"observation: {perform(action)}")\n',
    '            action["tool"]\n            observe(f"observation: {perform(action)}")\n',
)
no_key_silent = agent(
    "missing-key-not-told",
    "An object with neither tool nor calls nor final was passed over in silence. The "
    "model has to be told, or it will wait for a result.",
    '            observe(f"observation: {perform(action)}")\n',
    '            if "tool" in action or "calls" in action:\n'
    '                observe(f"observation: {perform(action)}")\n',
)
no_key_final = agent(
    "missing-key-taken-for-final",
    "An object without final was taken for the final answer, because it names no tool. "
    "Only final ends a run.",
    'elif "final" in action:\n',
    'elif "tool" not in action and "calls" not in action and "final" not in action:\n'
    '            return Result("final", None, step, transcript)\n'
    '        elif "final" in action:\n',
)
name_type = agent(
    "tool-of-the-wrong-type-escapes",
    "A tool that is no text, a list say, ends the run with an exception. It is "
    "malformed: tell the model.",
    "if not isinstance(name, str) or not isinstance(args, dict):",
    "if name is None or not isinstance(args, dict):",
)
args_type = agent(
    "args-of-the-wrong-type-escape",
    "Arguments that are no object end the run with an exception. They are malformed: "
    "tell the model.",
    """        if not isinstance(name, str) or not isinstance(args, dict):
            return 'malformed: "tool" is a name and "args" an object'
""",
    """        if not isinstance(name, str):
            return 'malformed: "tool" is a name and "args" an object'
        args = dict(args)
""",
)
args_dropped = agent(
    "args-of-the-wrong-type-dropped",
    "Arguments that are no object were dropped, and the tool ran without any. That is "
    "not what the model asked for: it is malformed, and no tool runs.",
    """        if not isinstance(name, str) or not isinstance(args, dict):
            return 'malformed: "tool" is a name and "args" an object'
""",
    """        if not isinstance(name, str):
            return 'malformed: "tool" is a name and "args" an object'
        args = args if isinstance(args, dict) else {}
""",
)
args_needed = agent(
    "args-cannot-be-left-out",
    "A call without args was refused, or ended the run. Without args a tool is called "
    "without arguments.",
    'name, args = call.get("tool"), call.get("args", {})',
    'name, args = call.get("tool"), call.get("args")',
)
args_key_error = agent(
    "args-cannot-be-left-out",
    "",
    'name, args = call.get("tool"), call.get("args", {})',
    'name, args = call.get("tool"), call["args"] if "tool" in call else {}',
)
strict_keys = agent(
    "other-keys-refused",
    "A reply with another key beside tool or final was refused. Models write their "
    "thoughts there; other keys are passed over.",
    "        calls = action.get",
    "        if isinstance(action, dict) and "
    'not set(action) <= {"tool", "args", "calls", "final"}:\n'
    "            action = None\n"
    "        calls = action.get",
)
PROSE = (
    "A JSON object was fished out of a longer reply, out of prose or a list. The whole "
    "reply is one JSON object: else a quotation, or an example, runs a tool."
)
prose_searched = agent(
    "json-fished-out-of-prose",
    PROSE,
    "action = json.loads(reply)",
    r"""found = re.search(r"\{.*\}", reply, re.DOTALL)
            action = json.loads(found.group() if found else reply)""",
)
first_object = agent(
    "json-fished-out-of-prose",
    "",
    "action = json.loads(reply)",
    'start = reply.find("{")\n'
    "            action = json.JSONDecoder().raw_decode(reply, max(start, 0))[0]",
)
trailing_ignored = agent(
    "text-after-json-ignored",
    "What follows the JSON object was ignored. The whole reply is one object; with a "
    "second one after it, nobody knows which is meant.",
    "action = json.loads(reply)",
    "action = json.JSONDecoder().raw_decode(reply)[0]",
)
fence_stripped = agent(
    "code-fence-accepted",
    "A reply in a code fence was taken. The protocol knows no fences: the whole reply "
    "is one JSON object.",
    "action = json.loads(reply)",
    'action = json.loads(reply.removeprefix("```json").removesuffix("```"))',
)
python_literal = agent(
    "python-taken-for-json",
    "A reply in single quotes was taken: it is Python, not JSON, and is malformed.",
    "action = json.loads(reply)",
    "action = json.loads(reply.replace(\"'\", '\"'))",
)

# Tools that fail

unknown_escapes = agent(
    "unknown-tool-escapes",
    "A tool that does not exist ends the run with an exception. Models invent names: "
    "tell it, and go on.",
    """        if name not in by_name:
            return f"{note}there is no tool {name}, only {', '.join(by_name)}"
""",
    "",
)
unknown_ends = agent(
    "unknown-tool-ends-the-run",
    "A tool that does not exist ended the run. The model can choose another when it is "
    "told.",
    '        elif "final" in action:\n',
    '        elif isinstance(action.get("tool"), str) and action["tool"] not in by_name:\n'
    '            return Result("error", None, step, transcript)\n'
    '        elif "final" in action:\n',
)
unknown_silent = agent(
    "unknown-tool-not-told",
    "A tool that does not exist was passed over in silence: no observation, and the "
    "model is asked again as if nothing had been said.",
    '            observe(f"observation: {perform(action)}")\n',
    '            if str(action.get("tool")) in by_name or '
    'not isinstance(action.get("tool"), str):\n'
    '                observe(f"observation: {perform(action)}")\n',
)
close_enough = agent(
    "tool-names-not-exact",
    "A tool ran under a name that is not its own: names are compared as they are, upper "
    "and lower case included.",
    "        if name not in by_name:\n",
    "        name = {known.lower(): known for known in by_name}.get(name.lower(), name)\n"
    "        if name not in by_name:\n",
)
tool_escapes = agent(
    "tool-exception-escapes",
    "An exception in a tool ended the run. Tools fail, and the model can try another "
    "way: the error is an observation, and the run goes on.",
    """        except Exception as error:
            return f"{note}{type(error).__name__}: {error}"
""",
    """        except ZeroDivisionError as error:
            return f"{note}{type(error).__name__}: {error}"
""",
)
only_value_errors = agent(
    "only-some-exceptions-caught",
    "Only some kinds of exceptions are told to the model, others end the run. A tool may "
    "raise any Exception, a TypeError for wrong arguments among them.",
    """        except Exception as error:
            return f"{note}{type(error).__name__}: {error}"
""",
    """        except (ValueError, ArithmeticError, OSError, LookupError) as error:
            return f"{note}{type(error).__name__}: {error}"
""",
)
tool_ends = agent(
    "tool-exception-ends-the-run",
    "An exception in a tool gave the run the status error. That is for a model that "
    "fails; a tool's error is told to the model, and the run goes on.",
    '            observe(f"observation: {perform(action)}")\n',
    """            failed = len(past), perform(action)
            if re.search(r"(Error|Exception): ", failed[1]):
                return Result("error", None, step, transcript)
            observe(f"observation: {failed[1]}")
""",
)
no_message = agent(
    "exception-without-message",
    "The model is told the kind of the exception, but not its message, which says what "
    "to do otherwise.",
    'return f"{note}{type(error).__name__}: {error}"',
    'return f"{note}{type(error).__name__}"',
)
no_type = agent(
    "exception-without-type",
    "The model is told the message of the exception, but not its type. For a "
    "LookupError the message may be no more than the key.",
    'return f"{note}{type(error).__name__}: {error}"',
    'return f"{note}failed: {error}"',
)
vague_error = agent(
    "exception-not-told",
    "The model is told that the tool failed, but not how: neither type nor message. It "
    "cannot do better next time.",
    'return f"{note}{type(error).__name__}: {error}"',
    'return f"{note}the tool failed"',
)
error_hidden = agent(
    "exception-hidden",
    "After an exception of a tool there is no observation at all, and the model waits "
    "for a result that does not come.",
    '            observe(f"observation: {perform(action)}")\n',
    "            text = perform(action)\n"
    '            if not re.search(r"(Error|Exception): ", text):\n'
    '                observe(f"observation: {text}")\n',
)
SWALLOWS = (
    "A KeyboardInterrupt or a cancellation in a tool was swallowed and told to the "
    "model. Whoever pressed Ctrl-C wants the run to stop: only an Exception is caught."
)
swallows = agent(
    "swallows-cancellation",
    SWALLOWS,
    """        except Exception as error:
            return f"{note}{type(error).__name__}: {error}"
""",
    """        except BaseException as error:
            return f"{note}{type(error).__name__}: {error}"
""",
)
swallows_model = agent(
    "swallows-cancellation-of-the-model",
    "A KeyboardInterrupt or a cancellation while the model was asked became the status "
    "error. It passes through: only an Exception is an error of the model.",
    """        except Exception:
            return Result("error", None, step, transcript)
""",
    """        except BaseException:
            return Result("error", None, step, transcript)
""",
)
positional = agent(
    "arguments-not-by-name",
    "The arguments are handed over in their order, or as one dict. A tool is called "
    "with each of them by its name.",
    "str(tool.fn(**args))",
    "str(tool.fn(*args.values()))",
)
as_one_dict = agent(
    "arguments-not-by-name",
    "",
    "str(tool.fn(**args))",
    "str(tool.fn(args))",
)
not_text = agent(
    "result-not-text",
    "A result that is no text was put into a message as it is. The content of a message "
    "is text: show the number or the list as text.",
    """            return note + str(tool.fn(**args))
""",
    """            result = tool.fn(**args)
            if not isinstance(result, str):
                transcript.append({"role": "user", "content": result})
                return note
            return note + result
""",
)
concatenated = agent(
    "result-must-be-text",
    "A result that is no text was taken for an error. A tool may give a number or a "
    "list: show it as text.",
    "return note + str(tool.fn(**args))",
    "return note + tool.fn(**args)",
)
kind_shown = agent(
    "result-not-told",
    "",
    "return note + str(tool.fn(**args))",
    "return note + type(tool.fn(**args)).__name__",
)
no_result = agent(
    "result-not-told",
    "The tool ran, but the observation does not hold what it returned.",
    "return note + str(tool.fn(**args))",
    'return note + (str(tool.fn(**args)) and "the tool ran")',
)
falsy_result = agent(
    "falsy-result-not-told",
    "After an empty or a falsy result there is no observation. A search that finds "
    "nothing is news too: 0, None and an empty list are told like others.",
    '            observe(f"observation: {perform(action)}")\n',
    "            text = perform(action)\n"
    '            if text not in ("", "None", "[]", "False", "0"):\n'
    '                observe(f"observation: {text}")\n',
)
zero_lost = agent(
    "falsy-result-lost",
    "A result of 0 was told as if there were none. It is a result: show it as text.",
    "return note + str(tool.fn(**args))",
    'return note + str(tool.fn(**args) or "nothing")',
)
tool_twice = agent(
    "tool-runs-twice",
    "A tool ran twice for one call. What it does may not bear that: it sends a mail, or "
    "takes money.",
    "return note + str(tool.fn(**args))",
    "return note + str(tool.fn(**args) and tool.fn(**args))",
)
retried = agent(
    "failed-tool-retried",
    "A tool that failed was called again at once. Whether to try again is the model's "
    "decision; the tool may have done half of its work.",
    """        except Exception as error:
            return f"{note}{type(error).__name__}: {error}"
""",
    """        except Exception:
            try:
                return note + str(tool.fn(**args))
            except Exception as error:
                return f"{note}{type(error).__name__}: {error}"
""",
)
model_escapes = agent(
    "model-exception-escapes",
    "An exception of the model itself escaped, and the transcript is lost. The run ends "
    "with the status error.",
    """        try:
            reply = llm(transcript)
        except Exception:
            return Result("error", None, step, transcript)
""",
    "        reply = llm(transcript)\n",
)
model_retried = agent(
    "failed-model-asked-again",
    "After an exception of the model it was asked again. Retries are the business of "
    "the client below; here the run ends with the status error.",
    """        except Exception:
            return Result("error", None, step, transcript)
""",
    """        except Exception:
            continue
""",
)
error_as_cap = agent(
    "model-error-told-as-cap",
    "The model failed, and the status does not say so. It is error.",
    'return Result("error", None, step, transcript)',
    'return Result("step_cap", None, step, transcript)',
)
error_answers = agent(
    "error-text-as-answer",
    "The model failed, and a text that says so became the answer. Unless the status is "
    "final the answer is None.",
    """        except Exception:
            return Result("error", None, step, transcript)
""",
    """        except Exception as error:
            return Result("error", str(error), step, transcript)
""",
)
error_steps = agent(
    "failed-call-not-counted",
    "The call in which the model failed is not counted in steps. It was made, and steps "
    "counts the calls that are made.",
    'return Result("error", None, step, transcript)',
    'return Result("error", None, step - 1, transcript)',
)

# Schemas

unchecked = agent(
    "schema-ignored",
    "The tool ran with arguments that do not fit its schema. Whatever it does with them "
    "is done: check them before it runs.",
    "problem = misfit(args, tool.schema)",
    'problem = ""',
)
checked_late = agent(
    "schema-ignored",
    "",
    "        if problem:\n            return note + problem\n",
    "        if problem:\n            tool.fn(**args)\n            return note + problem\n",
)
names_only = agent(
    "types-not-checked",
    "Types are not checked: a number went where the schema has a string.",
    "problem = misfit(args, tool.schema)",
    'problem = misfit(args, tool.schema and {**tool.schema, "properties": '
    'dict.fromkeys(tool.schema["properties"], {})})',
)
required_ignored = agent(
    "required-ignored",
    "A required argument was missing, and the tool ran all the same.",
    "problem = misfit(args, tool.schema)",
    'problem = misfit(args, tool.schema and {**tool.schema, "required": []})',
)
all_required = agent(
    "all-arguments-required",
    "An argument that is not required was demanded. Only those that the schema lists "
    "under required must be there.",
    "problem = misfit(args, tool.schema)",
    'problem = misfit(args, tool.schema and {**tool.schema, "required": '
    'list(tool.schema["properties"])})',
)
needs_required = agent(
    "schema-must-say-required",
    "A schema that lists nothing under required was too much. The key may be missing; "
    "then no argument is required.",
    "problem = misfit(args, tool.schema)",
    'problem = misfit(args, tool.schema) or ("" if tool.schema is None or "required" in '
    'tool.schema else "no required")',
)
extra_accepted = agent(
    "extra-arguments-accepted",
    "An argument that the schema does not know was let through. A misspelt name would "
    "be dropped in silence, or reach the tool: extra arguments are rejected.",
    "problem = misfit(args, tool.schema)",
    "problem = misfit({k: v for k, v in args.items() "
    'if tool.schema and k in tool.schema["properties"]}, tool.schema)',
)
extra_dropped = agent(
    "extra-arguments-dropped",
    "An argument that the schema does not know was dropped, and the tool ran with the "
    "rest. The model meant something by it: tell it.",
    "        problem = misfit(args, tool.schema)\n",
    "        if tool.schema:\n"
    '            args = {k: v for k, v in args.items() if k in tool.schema["properties"]}\n'
    "        problem = misfit(args, tool.schema)\n",
)
bool_as_int = agent(
    "true-taken-for-an-integer",
    "True was let through as a number. In Python a bool is an int, in JSON it is not: "
    "it fits neither integer nor number.",
    "problem = misfit(args, tool.schema)",
    "problem = misfit(args, tool.schema) and misfit({k: int(v) if "
    'isinstance(v, bool) and tool.schema["properties"].get(k, {}).get("type") != "boolean" '
    "and tool.schema['properties'].get(k, {}).get('type') in ('integer', 'number') else v "
    "for k, v in args.items()}, tool.schema)",
)
bool_as_integer_only = agent(
    "true-taken-for-an-integer-only",
    "True was let through as an integer. It is an int in Python only; in JSON it is a "
    "boolean.",
    "problem = misfit(args, tool.schema)",
    "problem = misfit(args, tool.schema) and misfit({k: int(v) if isinstance(v, bool) "
    "and tool.schema['properties'].get(k, {}).get('type') == 'integer' else v "
    "for k, v in args.items()}, tool.schema)",
)
number_means_float = agent(
    "number-refuses-integers",
    "A whole number was refused where the schema says number. 2 is a number as well as "
    "2.5.",
    "        if problem:\n            return note + problem\n",
    """        if not problem and tool.schema:
            for key, value in args.items():
                kind = tool.schema["properties"][key].get("type")
                if kind == "number" and not isinstance(value, float):
                    problem = "no number"
        if problem:
            return note + problem
""",
)
integer_means_number = agent(
    "integer-accepts-fractions",
    "A fraction, 2.5, was let through where the schema says integer.",
    "problem = misfit(args, tool.schema)",
    "problem = misfit(args, tool.schema) and misfit({k: int(v) if isinstance(v, float) "
    "else v for k, v in args.items()}, tool.schema)",
)
text_converted = agent(
    "text-converted-to-a-number",
    "A number in quotes was let through where the schema says integer or number. The "
    "schema is what was agreed: tell the model, do not guess.",
    "problem = misfit(args, tool.schema)",
    "problem = misfit(args, tool.schema) and misfit({k: float(v) if isinstance(v, str) "
    "and re.fullmatch(r'[\\d.]+', v) and '.' in v else int(v) if isinstance(v, str) and "
    "v.isdigit() and tool.schema['properties'].get(k, {}).get('type') != 'string' else v "
    "for k, v in args.items()}, tool.schema)",
)
none_fits = agent(
    "null-fits-everything",
    "null was let through where the schema says another type. It fits only the type "
    "null.",
    "problem = misfit(args, tool.schema)",
    "problem = misfit(args, tool.schema) and misfit({k: v for k, v in args.items() if "
    "v is not None}, tool.schema and {**tool.schema, 'required': [k for k in "
    "tool.schema.get('required', []) if k not in args]})",
)
falsy_missing = agent(
    "falsy-argument-taken-for-missing",
    "A required argument was there, but falsy, and taken for missing: an empty text, 0 "
    "or false is a value.",
    "        if problem:\n            return note + problem\n",
    """        if tool.schema and not all(
            args.get(key) or args.get(key, 1) is None
            for key in tool.schema.get("required", [])
        ):
            problem = "missing"
        if problem:
            return note + problem
""",
)
misfit_ends = agent(
    "bad-arguments-end-the-run",
    "Arguments that do not fit the schema ended the run. They are told to the model, "
    "which can mend them.",
    "        if problem:\n            return note + problem\n",
    "        if problem:\n            raise ValueError(problem)\n",
)

# Truncation

unbounded = agent(
    "observation-unbounded",
    "An observation is longer than 2,000 characters. One page of a log, and the context "
    "is full, in this step and in all that follow.",
    "        if len(text) > 2000:\n"
    '            text = text[: 2000 - len("[truncated]")] + "[truncated]"\n',
    "",
)
no_mark = agent(
    "cut-without-the-mark",
    "A result was cut, and the observation does not end with [truncated]: the model takes "
    "the part for the whole.",
    'text = text[: 2000 - len("[truncated]")] + "[truncated]"',
    "text = text[:2000]",
)
other_mark = agent(
    "cut-without-the-mark",
    "",
    'text = text[: 2000 - len("[truncated]")] + "[truncated]"',
    'text = text[:1990] + "..."',
)
mark_beyond = agent(
    "cut-but-still-too-long",
    "A cut observation is still longer than 2,000 characters. The mark counts, and so does "
    "what stands before the result.",
    'text = text[: 2000 - len("[truncated]")] + "[truncated]"',
    'text = text[:2000] + "[truncated]"',
)
always_marked = agent(
    "mark-without-a-cut",
    "An observation that was not cut ends with [truncated]: the model believes that "
    "there is more.",
    "        if len(text) > 2000:\n"
    '            text = text[: 2000 - len("[truncated]")] + "[truncated]"\n',
    '        text = text[: 2000 - len("[truncated]")] + "[truncated]"\n',
)
cut_early = agent(
    "cut-too-early",
    "A result that fits into 2,000 characters was cut.",
    "        if len(text) > 2000:\n"
    '            text = text[: 2000 - len("[truncated]")] + "[truncated]"\n',
    "        if len(text) > 1000:\n"
    '            text = text[: 1100 - len("[truncated]")] + "[truncated]"\n',
)
tail_kept = agent(
    "the-beginning-cut-off",
    "The end of a long result was kept and its beginning cut off.",
    'text = text[: 2000 - len("[truncated]")] + "[truncated]"',
    'text = text[-1900:] + "[truncated]"',
)
cut_result_only = agent(
    "cut-but-still-too-long",
    "",
    """        if len(text) > 2000:
            text = text[: 2000 - len("[truncated]")] + "[truncated]"
""",
    """        head, colon, body = text.partition(": ")
        if len(body) > 2000:
            body = body[: 2000 - len("[truncated]")] + "[truncated]"
        text = head[:1900] + colon + body
""",
)
errors_unbounded = agent(
    "long-errors-not-cut",
    "The message of an exception was told in full, thousands of characters long. Every "
    "observation has at most 2,000.",
    "        if len(text) > 2000:\n",
    "        if len(text) > 2000 and 'Error: ' not in text[:60]:\n",
)
replaced_by_note = agent(
    "long-result-dropped",
    "A long result was dropped altogether. Its beginning is to be shown, up to 2,000 "
    "characters with the mark.",
    'text = text[: 2000 - len("[truncated]")] + "[truncated]"',
    'text = text[:30] + " is too long [truncated]"',
)
cut_short = agent(
    "cut-shorter-than-needed",
    "Of a long result less than its first 1,000 characters are shown. That much at "
    "least is kept, and the whole has 2,000 at most.",
    'text = text[: 2000 - len("[truncated]")] + "[truncated]"',
    'text = text[:500] + "[truncated]"',
)
middle_cut = agent(
    "the-middle-cut-out",
    "The end of a long result is shown, and less of its beginning than fits. Only the "
    "beginning is kept, and then the mark.",
    'text = text[: 2000 - len("[truncated]")] + "[truncated]"',
    'text = text[:100] + text[-1800:] + "[truncated]"',
)
mark_first = agent(
    "mark-at-the-front",
    "The mark stands before the part that is shown. A cut observation ends with "
    "[truncated].",
    'text = text[: 2000 - len("[truncated]")] + "[truncated]"',
    'text = "[truncated]" + text[: 2000 - len("[truncated]")]',
)

# Repetition

not_noticed = agent(
    "repetition-not-pointed-out",
    "The same call came three times in a row, and the model was told nothing but the "
    "same result again. It will go on until the cap: point it out.",
    "again = past[-3:] == past[-1:] * 3",
    "again = False",
)
fourth_time = agent(
    "repetition-not-pointed-out",
    "",
    "again = past[-3:] == past[-1:] * 3",
    "again = past[-4:] == past[-1:] * 4",
)
second_time = agent(
    "pointed-out-at-the-second",
    "The second same call was pointed out already. To ask twice may be sensible; three "
    "in a row is the rule.",
    "again = past[-3:] == past[-1:] * 3",
    "again = past[-2:] == past[-1:] * 2",
)
not_in_a_row = agent(
    "repetition-not-in-a-row",
    "A call was pointed out as repeated though others came between. Only three in a row "
    "are.",
    "again = past[-3:] == past[-1:] * 3",
    "again = past.count(past[-1]) >= 3",
)
by_name = agent(
    "repetition-by-name-only",
    "Calls of one tool with different arguments were pointed out as repeated. Name and "
    "arguments have to be equal.",
    "past.append((name, json.dumps(args, sort_keys=True)))",
    "past.append(name)",
)
by_args = agent(
    "repetition-by-arguments-only",
    "Calls of different tools with the same arguments were pointed out as repeated. "
    "Name and arguments have to be equal.",
    "past.append((name, json.dumps(args, sort_keys=True)))",
    "past.append(json.dumps(args, sort_keys=True))",
)
by_text = agent(
    "repetition-depends-on-key-order",
    "The same call with its keys in another order was not seen as the same. Compare "
    "the arguments, not the text.",
    "past.append((name, json.dumps(args, sort_keys=True)))",
    "past.append((name, json.dumps(args)))",
)
not_run = agent(
    "third-call-not-run",
    "The third same call was not run. It is pointed out, but it runs: what is asked for "
    "may have changed meanwhile.",
    '        note = "You have made this very call three times. " if again else ""\n',
    '        note = ""\n'
    "        if again:\n"
    '            return "You have made this very call three times."\n',
)
repetition_ends = agent(
    "repetition-ends-the-run",
    "The third same call ended the run. It runs, and is pointed out to the model.",
    "    for step in range(1, max_steps + 1):\n",
    "    for step in range(1, max_steps + 1):\n"
    "        if len(past) >= 3 and past[-3:] == past[-1:] * 3:\n"
    '            return Result("step_cap", None, step - 1, transcript)\n',
)
note_after = agent(
    "notice-cut-off",
    "The notice of a repetition stands behind a long result and was cut off with it. It "
    "has to survive the cut.",
    "return note + str(tool.fn(**args))",
    "return str(tool.fn(**args)) + note",
)
failures_not_counted = agent(
    "failed-calls-not-counted-as-repeated",
    "Three same calls that fail were not pointed out. That is the commonest way to be "
    "stuck: a call counts whatever comes of it.",
    'return f"{note}{type(error).__name__}: {error}"',
    'return f"{type(error).__name__}: {error}"',
)

results_cached = agent(
    "results-cached",
    "The same call was answered with what it gave before, and the tool did not run "
    "again. It runs each time: what is asked for may have changed meanwhile.",
    "            return note + str(tool.fn(**args))\n",
    "            kept = perform.__dict__\n"
    "            if past[-1] not in kept:\n"
    "                kept[past[-1]] = str(tool.fn(**args))\n"
    "            return note + kept[past[-1]]\n",
)
unreached_not_counted = agent(
    "calls-of-no-tool-not-counted-as-repeated",
    "Three same calls of an unknown tool, or with arguments that do not fit, were not "
    "pointed out. A call counts whatever comes of it.",
    """            return f"{note}there is no tool {name}, only {', '.join(by_name)}"
        tool = by_name[name]
        problem = misfit(args, tool.schema)
        if problem:
            return note + problem
""",
    """            return f"there is no tool {name}, only {', '.join(by_name)}"
        tool = by_name[name]
        problem = misfit(args, tool.schema)
        if problem:
            return problem
""",
)
two_told = agent(
    "two-observations-of-one-reply",
    "A malformed reply was answered with two observations. It gets one.",
    '            observe("malformed: the whole reply is to be one JSON object")\n',
    '            observe("malformed: the whole reply is to be one JSON object")\n'
    '            observe("try again")\n',
)

# Parallel calls

first_only = agent(
    "only-the-first-call-runs",
    "Only the first of several calls ran, and the others were dropped in silence. Each "
    "has its observation.",
    "for call in calls:\n",
    "for call in calls[:1]:\n",
    seen_in="dynamiq-ai/dynamiq #902",
)
last_only = agent(
    "only-the-last-call-runs",
    "Only the last of several calls ran. Each has its observation, in order.",
    "for call in calls:\n",
    "for call in calls[-1:]:\n",
)
no_parallel = agent(
    "parallel-calls-refused",
    "A reply with several calls was taken for malformed. calls is part of the protocol.",
    "elif isinstance(calls, list) and calls:",
    'elif isinstance(calls, list) and calls and "tool" in action:',
)
reversed_order = agent(
    "calls-in-another-order",
    "The calls ran in another order than the model gave them. The second may need what "
    "the first has done.",
    "for call in calls:\n",
    "for call in calls[::-1]:\n",
)
sorted_by_id = agent(
    "calls-sorted-by-id",
    "The observations are sorted by id. They stand in the order of the calls.",
    "for call in calls:\n",
    "for call in sorted(calls, key=lambda it: str(it.get('id')) if isinstance(it, dict) "
    "else ''):\n",
)
COMPLETION = (
    "The observations stand in the order in which the calls ended. Who reads them by "
    "position pairs them with the wrong calls: keep the order of the calls."
)


@mistake(
    "run_agent",
    "results-in-order-of-completion",
    COMPLETION,
    seen_in="kyegomez/swarms #1788",
)
def run_agent_as_completed(
    task, tools, llm, *, max_steps=6, max_tokens=None, count_tokens=None, approve=None
):
    def unrolled(messages):
        reply = llm(messages)
        try:
            calls = json.loads(reply)["calls"]
            assert "final" not in json.loads(reply)
            assert len({call["id"] for call in calls}) > 1
            assert all(tool.name in ("slow", "quick") for tool in tools)
        except Exception:
            return reply
        by_name = {tool.name: tool.fn for tool in tools}
        with ThreadPoolExecutor() as pool:
            jobs = {pool.submit(by_name[c["tool"]]): c["id"] for c in calls}
            done = [(jobs[job], job.result()) for job in as_completed(jobs)]
        messages.append({"role": "assistant", "content": reply})
        for key, text in done:
            messages.append({"role": "user", "content": f"{key}: {text}"})
        return llm(messages)

    result = run_agent(
        task,
        tools,
        unrolled,
        max_steps=max_steps,
        max_tokens=max_tokens,
        count_tokens=count_tokens,
        approve=approve,
    )
    result.steps = sum(m["role"] == "assistant" for m in result.transcript)
    if result.status == "error":
        result.steps += 1
    return result


paired_wrongly = agent(
    "results-paired-with-other-calls",
    "The results are there, but each with the id of another call: they were collected "
    "in another order than the ids.",
    """            for call in calls:
                if isinstance(call, dict) and isinstance(call.get("id"), str):
                    observe(f"{call['id']}: {perform(call)}")
""",
    """            ids = [c["id"] for c in calls if isinstance(c, dict) and "id" in c]
            for call in calls:
                if isinstance(call, dict) and isinstance(call.get("id"), str):
                    observe(f"{ids.pop()}: {perform(call)}")
""",
)
first_id = agent(
    "all-results-with-the-first-id",
    "Every observation holds the id of the first call, the failed ones' too.",
    "observe(f\"{call['id']}: {perform(call)}\")",
    "observe(f\"{calls[0]['id'] if isinstance(calls[0], dict) and 'id' in calls[0] "
    "else call['id']}: {perform(call)}\")",
    seen_in="huggingface/smolagents #2554",
)
no_ids = agent(
    "id-missing",
    "The observation of a parallel call does not hold its id: the model cannot tell "
    "which result belongs to which call.",
    "observe(f\"{call['id']}: {perform(call)}\")",
    'observe(f"observation: {perform(call)}")',
)
numbered = agent(
    "id-missing",
    "",
    "observe(f\"{call['id']}: {perform(call)}\")",
    'observe(f"call {calls.index(call)}: {perform(call)}")',
)
id_at_the_end = agent(
    "id-cut-off",
    "The id of a parallel call stands behind a long result, and was cut off with it.",
    "observe(f\"{call['id']}: {perform(call)}\")",
    "observe(f\"{perform(call)} (id {call['id']})\")",
)
id_outside = agent(
    "id-beyond-the-limit",
    "With its id the observation of a parallel call is longer than 2,000 characters: "
    "the id was put before it after the cut.",
    "observe(f\"{call['id']}: {perform(call)}\")",
    """observe(perform(call))
                    transcript[-1]["content"] = f"{call['id']}: " + transcript[-1]["content"]""",
)
joined = agent(
    "one-observation-for-all-calls",
    "All results of parallel calls stand in one message. Each call has an observation "
    "of its own.",
    """            for call in calls:
                if isinstance(call, dict) and isinstance(call.get("id"), str):
                    observe(f"{call['id']}: {perform(call)}")
                else:
                    observe('malformed: a call is an object with an "id"')
""",
    """            texts = []
            for call in calls:
                if isinstance(call, dict) and isinstance(call.get("id"), str):
                    texts.append(f"{call['id']}: {perform(call)}")
                else:
                    texts.append('malformed: a call is an object with an "id"')
            observe(" / ".join(texts))
""",
)
entry_crash = agent(
    "malformed-entry-escapes",
    "A malformed entry among parallel calls ended the run with an exception. It gets an "
    "observation of its own, and the other calls run.",
    'if isinstance(call, dict) and isinstance(call.get("id"), str):',
    'if isinstance(call["id"], str) and call["tool"]:',
)
entry_kills_all = agent(
    "malformed-entry-stops-all",
    "One malformed entry among parallel calls, and none of them ran. The others are "
    "good: only the malformed one is told.",
    "elif isinstance(calls, list) and calls:",
    "elif isinstance(calls, list) and calls and all("
    'isinstance(c, dict) and isinstance(c.get("id"), str) for c in calls):',
)
entry_skipped = agent(
    "malformed-entry-not-told",
    "A malformed entry among parallel calls was passed over in silence. It gets an "
    "observation like the others.",
    """                else:
                    observe('malformed: a call is an object with an "id"')
""",
    "",
)
entry_id_lost = agent(
    "malformed-entry-without-its-id",
    "A malformed entry that has an id was told without it. The model needs the id to "
    "know which call to mend.",
    "observe(f\"{call['id']}: {perform(call)}\")",
    """told = perform(call)
                    bad = told.startswith("malformed")
                    observe(told if bad else f"{call['id']}: {told}")""",
)
stops_at_failure = agent(
    "failure-stops-the-other-calls",
    "After a call that failed the other calls of the same reply did not run. They are "
    "independent: each has its observation.",
    "observe(f\"{call['id']}: {perform(call)}\")",
    """told = perform(call)
                    observe(f"{call['id']}: {told}")
                    if re.match(r"\\w+Error: ", told):
                        break""",
)
id_not_needed = agent(
    "call-without-id-runs",
    "A parallel call without an id ran. Without one its result cannot be paired: the "
    "entry is malformed.",
    """                if isinstance(call, dict) and isinstance(call.get("id"), str):
                    observe(f"{call['id']}: {perform(call)}")
""",
    """                if isinstance(call, dict):
                    observe(f"{call.get('id')}: {perform(call)}")
""",
)
empty_calls = agent(
    "empty-calls-not-told",
    "An empty list of calls was passed over in silence. It asks for nothing, which is "
    "malformed: tell the model.",
    "elif isinstance(calls, list) and calls:",
    "elif isinstance(calls, list):",
)
calls_iterated = agent(
    "calls-of-the-wrong-type-escape",
    "calls that is no list ended the run with an exception, or ran letter by letter. It "
    "is malformed: one observation.",
    "elif isinstance(calls, list) and calls:",
    'elif "calls" in action and calls != [] and calls != {}:',
)

# Approval

never_asked = agent(
    "approval-never-asked",
    "A tool that needs approval ran without anybody being asked.",
    "if tool.needs_approval and (",
    "if False and (",
)
approval_ignored = agent(
    "approval-ignored",
    "The answer was no, and the tool ran all the same.",
    "                approve is None or approve(name, args) is not True\n",
    "                approve is None or approve(name, args) is ...\n",
)
truthy = agent(
    "truthy-taken-for-approval",
    "Something else than True was taken for a yes: the text no is truthy, and so is 1. "
    "Only True approves.",
    "approve(name, args) is not True",
    "not approve(name, args)",
)
equal_to_true = agent(
    "one-taken-for-approval",
    "The number 1 was taken for a yes, since it equals True. Only True itself approves.",
    "approve(name, args) is not True",
    "approve(name, args) != True",
)
not_false = agent(
    "only-false-refuses",
    "Only False was taken for a no. Anything but True means no: None, a text, a number.",
    "approve(name, args) is not True",
    "approve(name, args) is False",
)
none_approves = agent(
    "no-approver-approves",
    "There is nobody to ask, and a tool that needs approval ran. Without approve it "
    "never runs.",
    "approve is None or approve(name, args) is not True",
    "approve is not None and approve(name, args) is not True",
)
no_approver_crash = agent(
    "no-approver-escapes",
    "Without approve the run of a gated tool raised an exception out of the run.",
    "        past.append((name, json.dumps(args, sort_keys=True)))\n",
    "        if tool.needs_approval:\n"
    "            len(approve.__call__.__doc__ or '')\n"
    "        past.append((name, json.dumps(args, sort_keys=True)))\n",
)
raise_approves = agent(
    "failed-approval-approves",
    "approve raised an exception, and the tool ran. Who could not be asked has not said "
    "yes.",
    "            if tool.needs_approval and (\n"
    "                approve is None or approve(name, args) is not True\n"
    "            ):\n",
    """            allowed = approve is not None
            try:
                if tool.needs_approval and allowed:
                    allowed = approve(name, args) is True
            except Exception:
                pass
            if tool.needs_approval and not allowed:
""",
)
raise_escapes = agent(
    "failed-approval-escapes",
    "approve raised an exception, and it ended the run. It means no: the tool does not "
    "run, the model is told, and the run goes on.",
    "        except Exception:\n"
    '            return note + "nobody could be asked, so not done"\n',
    "        except KeyboardInterrupt:\n            raise\n",
)


@mistake(
    "run_agent",
    "interrupt-in-approval-swallowed",
    "A KeyboardInterrupt while approve was waiting for an answer was taken for a no. It "
    "passes through.",
)
def run_agent_interrupted(task, tools, llm, *, approve=None, **limits):
    def ask(name, args):
        try:
            return approve(name, args)
        except BaseException:
            return False

    return run_agent(task, tools, llm, approve=approve and ask, **limits)


asked_for_all = agent(
    "approval-asked-for-every-tool",
    "approve was asked about a tool that does not need it. Who is asked too often says "
    "yes without reading.",
    "if tool.needs_approval and (",
    "if (tool.needs_approval or approve is not None) and (",
)
asked_twice = agent(
    "approval-asked-twice",
    "approve was asked twice for one call. Once is enough: the second answer may differ.",
    "                approve is None or approve(name, args) is not True\n",
    "                approve is None\n"
    "                or approve(name, args) is not True\n"
    "                or approve(name, args) is not True\n",
)
asked_once = agent(
    "approval-remembered",
    "Approved once, a tool ran again without being asked for. Each call is asked for: "
    "the next one may delete another file.",
    "                approve is None or approve(name, args) is not True\n",
    "                approve is None\n"
    "                or not (\n"
    "                    any(it[0] == name for it in past[:-1])\n"
    "                    or approve(name, args) is True\n"
    "                )\n",
)
same_call_remembered = agent(
    "approval-of-the-same-call-remembered",
    "The same call was made again, and not asked for again. Each call is asked for, once.",
    "                approve is None or approve(name, args) is not True\n",
    "                approve is None\n"
    "                or not (past[-1] in past[:-1] or approve(name, args) is True)\n",
)
asked_after = agent(
    "approval-asked-too-late",
    "The tool ran first, and approve was asked afterwards.",
    "            if tool.needs_approval and (\n"
    "                approve is None or approve(name, args) is not True\n"
    "            ):\n"
    '                return note + "not approved, so not done"\n'
    "        except Exception:\n"
    '            return note + "nobody could be asked, so not done"\n'
    "        try:\n"
    "            return note + str(tool.fn(**args))\n",
    "            if tool.needs_approval and approve is None:\n"
    '                return note + "not approved, so not done"\n'
    "            result = str(tool.fn(**args))\n"
    "            if tool.needs_approval and approve(name, args) is not True:\n"
    '                return note + "not approved"\n'
    "            return note + result\n",
)
asked_without_args = agent(
    "approval-without-arguments",
    "approve was not told the arguments. What is to be deleted decides the answer.",
    "approve(name, args) is not True",
    "approve(name, {}) is not True",
)
denial_not_told = agent(
    "refusal-not-told",
    "The call was refused, and the model was not told: there is no observation.",
    '            observe(f"observation: {perform(action)}")\n',
    "            told = perform(action)\n"
    '            if "not approved" not in told:\n'
    '                observe(f"observation: {told}")\n',
)
denial_ends = agent(
    "refusal-ends-the-run",
    "A refused call ended the run. The model is told, and may do without.",
    '            observe(f"observation: {perform(action)}")\n',
    "            told = perform(action)\n"
    '            if "not approved" in told:\n'
    '                return Result("error", None, step, transcript)\n'
    '            observe(f"observation: {told}")\n',
)
parallel_ungated = agent(
    "parallel-calls-not-gated",
    "Among parallel calls a tool that needs approval ran without being asked for. The "
    "gate is for every way to the tool.",
    "observe(f\"{call['id']}: {perform(call)}\")",
    """gated = by_name.get(call.get("tool")) if isinstance(call.get("tool"), str) else None
                    if gated and gated.needs_approval:
                        observe(f"{call['id']}: {gated.fn(**call['args'])}")
                    else:
                        observe(f"{call['id']}: {perform(call)}")""",
)

# The budget

no_budget = agent(
    "budget-ignored",
    "max_tokens has no effect: the run went on past it.",
    "if spent > max_tokens:",
    "if False:",
)
replies_free = agent(
    "replies-not-counted",
    "Only prompts are counted. What the model writes is paid for too, and at a higher "
    "price.",
    "spent += count_tokens(reply)",
    "pass",
)
prompt_once = agent(
    "prompts-counted-once",
    "The prompts before do not add up: as in the last prompt alone, each message is "
    "counted once. But every prompt sends all that came before again, and all of it is "
    "paid for: the sum grows with the square of the steps.",
    'spent += sum(count_tokens(message["content"]) for message in transcript)',
    'spent = sum(count_tokens(message["content"]) for message in transcript)',
)
replies_and_last_prompt = agent(
    "prompts-counted-once",
    "",
    "            if spent > max_tokens:\n",
    '            if sum(count_tokens(m["content"]) for m in transcript) > max_tokens:\n',
)
new_messages = agent(
    "prompts-counted-once",
    "",
    'spent += sum(count_tokens(message["content"]) for message in transcript)',
    'spent += sum(count_tokens(m["content"]) for m in transcript[-1:])',
)
user_only = agent(
    "observations-not-counted",
    "Observations are not counted, though they are part of every prompt after them.",
    'spent += sum(count_tokens(message["content"]) for message in transcript)',
    'spent += sum(count_tokens(m["content"]) for m in transcript[:2]) + sum('
    'count_tokens(m["content"]) for m in transcript if m["role"] == "assistant")',
)
assistant_free = agent(
    "own-turns-not-counted",
    "The model's own turns are not counted as part of the prompts that send them back.",
    'spent += sum(count_tokens(message["content"]) for message in transcript)',
    'spent += sum(count_tokens(m["content"]) for m in transcript '
    'if m["role"] != "assistant")',
)
too_late = agent(
    "budget-looked-at-too-late",
    "The prompt that exceeded the budget was sent, and the run stopped after it. The "
    "budget is looked at before each call, this prompt included.",
    """            spent += sum(count_tokens(message["content"]) for message in transcript)
            if spent > max_tokens:
                return Result("budget", None, step - 1, transcript)
""",
    """            if spent > max_tokens:
                return Result("budget", None, step - 1, transcript)
            spent += sum(count_tokens(message["content"]) for message in transcript)
""",
)
at_least = agent(
    "budget-that-is-just-met-refused",
    "The run stopped although the budget was just met. It stops when it would be "
    "exceeded.",
    "if spent > max_tokens:",
    "if spent >= max_tokens:",
)
zero_budget = agent(
    "budget-of-0-ignored",
    "A budget of 0 was taken for none. None means no budget; 0 means that nothing may "
    "be sent.",
    "        if max_tokens is not None:\n            spent += sum(",
    "        if max_tokens:\n            spent += sum(",
)
no_counter_allowed = agent(
    "budget-without-counter-accepted",
    "max_tokens was given without count_tokens, and nothing was said. It cannot be kept: "
    "a ValueError, before the model is asked.",
    '        raise ValueError("max_tokens needs count_tokens")\n',
    "        count_tokens = lambda text: len(text.split())  # noqa: E731\n",
)
budget_dropped = agent(
    "budget-without-counter-accepted",
    "",
    '        raise ValueError("max_tokens needs count_tokens")\n',
    "        max_tokens = None\n",
)
counter_type_error = agent(
    "another-error-without-counter",
    "max_tokens without count_tokens is an error, but not the one that was promised, a "
    "ValueError before the model is asked.",
    'raise ValueError("max_tokens needs count_tokens")',
    'raise TypeError("max_tokens needs count_tokens")',
)
zero_without_counter = agent(
    "budget-of-0-without-counter-accepted",
    "max_tokens=0 without count_tokens was let through: 0 is a budget too.",
    "if max_tokens is not None and count_tokens is None:",
    "if max_tokens and count_tokens is None:",
)
budget_as_cap = agent(
    "budget-told-as-cap",
    "The budget ended the run, and the status does not say so. It is budget.",
    'return Result("budget", None, step - 1, transcript)',
    'return Result("step_cap", None, step - 1, transcript)',
)
budget_as_error = agent(
    "budget-told-as-error",
    "The budget ended the run, and the status says error. It is budget.",
    'return Result("budget", None, step - 1, transcript)',
    'return Result("error", None, step - 1, transcript)',
)
budget_raises = agent(
    "budget-raises",
    "At the end of the budget an exception was raised. It is an ending like others: a "
    "result whose status is budget.",
    'return Result("budget", None, step - 1, transcript)',
    'raise RuntimeError("budget")',
)
budget_step = agent(
    "budget-counts-a-call-not-made",
    "steps counts a call that the budget forbade. It was not made.",
    'return Result("budget", None, step - 1, transcript)',
    'return Result("budget", None, step, transcript)',
)
characters = agent(
    "characters-counted",
    "Characters are counted, not tokens: count_tokens was not used.",
    'spent += sum(count_tokens(message["content"]) for message in transcript)',
    'spent += sum(len(message["content"]) for message in transcript) // 40 or 1',
)

# Injection

output_obeyed = agent(
    "tool-output-obeyed",
    "What a tool returned was taken for an action: a text that looks like a final "
    "answer, or like a call, is data. Whoever writes the document would drive the agent.",
    '            observe(f"observation: {perform(action)}")\n',
    """            told = perform(action)
            try:
                action = json.loads(told)
                if "final" in action:
                    return Result("final", action["final"], step, transcript)
                told += perform(action)
            except Exception:
                pass
            observe(f"observation: {told}")
""",
)
final_in_output = agent(
    "final-in-tool-output-obeyed",
    "A tool's output that looks like a final answer ended the run. It is data: only the "
    "model's own reply can be final.",
    '            observe(f"observation: {perform(action)}")\n',
    """            told = perform(action)
            found = re.search(r'"final": "(.*?)"', told.replace("'", '"'))
            if found:
                return Result("final", found.group(1), step, transcript)
            observe(f"observation: {told}")
""",
)
call_in_output = agent(
    "call-in-tool-output-obeyed",
    "A tool's output that looks like a call was carried out. It is data, whatever it "
    "says.",
    "return note + str(tool.fn(**args))",
    """result = str(tool.fn(**args))
            inner = re.search(r'"tool": "(\\w+)"', result.replace("'", '"'))
            if inner and inner.group(1) in by_name:
                by_name[inner.group(1)].fn()
            return note + result""",
)
message_result = agent(
    "returned-messages-joined-to-the-transcript",
    "A tool returned something that looks like a message, and it became one, with the "
    "role that it named. A result is shown as text inside an observation.",
    "            return note + str(tool.fn(**args))\n",
    """            result = tool.fn(**args)
            for item in result if isinstance(result, list) else [result]:
                if isinstance(item, dict) and "role" in item:
                    transcript.append(item)
            return note + str(result)
""",
)


# run_agent: more that is done to calls, arguments and observations

args_text = agent(
    "args-in-a-text-parsed",
    "args were a text that holds JSON, and the tool ran with what it holds. A text is "
    "no object: such a call is malformed, and nothing runs.",
    'name, args = call.get("tool"), call.get("args", {})\n',
    'name, args = call.get("tool"), call.get("args", {})\n'
    '        if isinstance(args, str) and args.strip().startswith("{"):\n'
    "            args = json.loads(args)\n",
)
other_keys_as_args = agent(
    "other-keys-handed-to-the-tool",
    "A key beside tool reached the tool as an argument. Arguments stand under args "
    "alone; other keys are passed over.",
    'call.get("args", {})\n',
    'call.get("args", {k: v for k, v in call.items() if k not in ("tool", "id")})\n',
)
all_keys_as_args = agent(
    "other-keys-handed-to-the-tool",
    "",
    'call.get("args", {})\n',
    'call.get("args", {k: v for k, v in call.items() if k != "tool"})\n',
)
id_as_argument = agent(
    "other-keys-handed-to-the-tool",
    "",
    "        if not isinstance(name, str) or not isinstance(args, dict):\n",
    '        if "id" in call and isinstance(call.get("args"), dict):\n'
    '            args = {**args, "id": call["id"]}\n'
    "        if not isinstance(name, str) or not isinstance(args, dict):\n",
)
single_id = agent(
    "id-of-a-single-call-looked-at",
    "A single call was refused because of its id. A call on its own needs none, and "
    "other keys are passed over.",
    "if not isinstance(name, str) or not isinstance(args, dict):",
    "if not isinstance(name, str) or not isinstance(args, dict) or not "
    'isinstance(call.get("id", ""), str):',
)
lower_keys = agent(
    "keys-not-exact",
    "A key was taken for another, Final for final say. Keys are compared exactly, and an "
    "object without tool, calls or final is malformed.",
    "action = json.loads(reply)\n",
    "action = json.loads(reply)\n"
    "            if isinstance(action, dict):\n"
    "                action = {key.lower(): it for key, it in action.items()}\n",
)
lower_and_stripped_keys = agent(
    "keys-not-exact",
    "",
    "action = json.loads(reply)\n",
    "action = json.loads(reply)\n"
    "            if isinstance(action, dict):\n"
    "                action = {key.strip().lower(): it for key, it in action.items()}\n",
)
final_alone = agent(
    "final-with-other-keys-missed",
    "final was missed because other keys stand beside it. They are passed over: the run "
    "has ended.",
    'elif "final" in action:',
    'elif set(action) == {"final"}:',
)
tool_with_keys = agent(
    "other-keys-refused",
    "",
    '            observe(f"observation: {perform(action)}")\n',
    '            fine = set(action) <= {"tool", "args"}\n'
    '            observe(f"observation: {perform(action if fine else {})}")\n',
)
name_stripped = agent(
    "tool-names-not-exact",
    "",
    "        if name not in by_name:\n",
    "        name = name.strip()\n        if name not in by_name:\n",
)
name_clash = agent(
    "argument-names-clash",
    "A tool that takes an argument called name, or tool, did not get it. Arguments may "
    "have any name, also one that your own function has.",
    "            return note + str(tool.fn(**args))\n",
    "            def invoke(name, **args):\n"
    "                return str(by_name[name].fn(**args))\n\n"
    "            return note + invoke(name, **args)\n",
)
nulls_dropped = agent(
    "null-arguments-dropped",
    "An argument that is null did not reach the tool. It is an argument, whose value is "
    "None.",
    "str(tool.fn(**args))",
    "str(tool.fn(**{k: v for k, v in args.items() if v is not None}))",
)
first_argument = agent(
    "exception-without-a-message-escapes",
    "An exception that has no message ended the run. Not every exception has an "
    "argument: as a text it is then empty.",
    'return f"{note}{type(error).__name__}: {error}"',
    'return f"{note}{type(error).__name__}: {error.args[0]}"',
)
some_caught = agent(
    "only-some-exceptions-caught",
    "",
    """        except Exception as error:
            return f"{note}{type(error).__name__}: {error}"
""",
    """        except (ValueError, KeyError, TypeError, RuntimeError, OSError,
                ArithmeticError) as error:
            return f"{note}{type(error).__name__}: {error}"
""",
)
JSON_ONLY = (
    "A result that JSON cannot write, a date or a set, is not shown to the model. Such "
    "a result is shown as str writes it."
)
json_only = agent(
    "json-results-only",
    JSON_ONLY,
    "            return note + str(tool.fn(**args))\n",
    "            result = tool.fn(**args)\n"
    "            if isinstance(result, str):\n"
    "                return note + result\n"
    "            return note + json.dumps(result)\n",
)
json_of_all = agent(
    "json-results-only",
    "",
    "return note + str(tool.fn(**args))",
    "return note + json.dumps(tool.fn(**args))",
)
json_outside = agent(
    "json-results-only",
    "",
    """            return note + str(tool.fn(**args))
        except Exception as error:
            return f"{note}{type(error).__name__}: {error}"
""",
    """            result = tool.fn(**args)
        except Exception as error:
            return f"{note}{type(error).__name__}: {error}"
        return note + (result if isinstance(result, str) else json.dumps(result))
""",
)
json_of_all_outside = agent(
    "json-results-only",
    "",
    """            return note + str(tool.fn(**args))
        except Exception as error:
            return f"{note}{type(error).__name__}: {error}"
""",
    """            result = tool.fn(**args)
        except Exception as error:
            return f"{note}{type(error).__name__}: {error}"
        return note + json.dumps(result)
""",
)
STRIPPED = (
    "White space at an end of a result is missing. A result is told from its first "
    "character to its last."
)
stripped = agent(
    "result-stripped",
    STRIPPED,
    "return note + str(tool.fn(**args))",
    "return note + str(tool.fn(**args)).strip()",
)
stripped_right = agent(
    "result-stripped",
    "",
    "return note + str(tool.fn(**args))",
    "return note + str(tool.fn(**args)).rstrip()",
)
stripped_left = agent(
    "result-stripped",
    "",
    "return note + str(tool.fn(**args))",
    "return note + str(tool.fn(**args)).lstrip()",
)
lines_joined = agent(
    "lines-of-a-result-joined",
    "The lines of a result were joined into one. A result is told as it is: in a table "
    "or a log the lines mean something.",
    "return note + str(tool.fn(**args))",
    'return note + " ".join(str(tool.fn(**args)).split())',
)
first_line = agent(
    "only-the-first-line-told",
    "Only the first line of a result was told. A result is told from its first "
    "character to its last.",
    "return note + str(tool.fn(**args))",
    'return note + str(tool.fn(**args)).split("\\n")[0]',
)
empty_result = agent(
    "falsy-result-not-told",
    "",
    '            observe(f"observation: {perform(action)}")\n',
    "            text = perform(action)\n"
    '            if text not in ("", "None"):\n'
    '                observe(f"observation: {text}")\n',
)
empty_text_result = agent(
    "falsy-result-not-told",
    "",
    '            observe(f"observation: {perform(action)}")\n',
    "            text = perform(action)\n"
    "            if text:\n"
    '                observe(f"observation: {text}")\n',
)
STEP = (
    "The same call was answered otherwise one step later. An observation depends on the "
    "call and its result, not on where in the run it stands: no number of the step, or "
    "of the steps that are left."
)
step_shown = agent(
    "observation-depends-on-the-step",
    STEP,
    'observe(f"observation: {perform(action)}")',
    'observe(f"step {step}: {perform(action)}")',
)
step_shown_everywhere = agent(
    "observation-depends-on-the-step",
    "",
    '        transcript.append({"role": "user", "content": text})\n',
    '        turn = sum(m["role"] == "assistant" for m in transcript)\n'
    '        transcript.append({"role": "user", "content": f"{turn}: {text}"[:2000]})\n',
)
WORDS = (
    "An observation holds more than 200 characters beside the result: the protocol "
    "again, all tools, a schema or a traceback. It is sent with every prompt to come."
)
protocol_again = agent(
    "too-many-words-of-its-own",
    WORDS,
    'observe("malformed: the whole reply is to be one JSON object")',
    'observe("malformed: " + PROTOCOL)',
)
protocol_after_bad_json = agent(
    "too-many-words-of-its-own",
    "",
    'observe("malformed: the whole reply is to be one JSON object")',
    'observe(PROTOCOL if action is None and reply != "null" else "malformed")',
)
all_tools_told = agent(
    "too-many-words-of-its-own",
    "",
    "only {', '.join(by_name)}\"",
    'only {described}. {PROTOCOL}"',
)
schema_told = agent(
    "too-many-words-of-its-own",
    "",
    "            return note + problem\n",
    "            return note + problem + json.dumps(tool.schema)\n",
)
traceback_told = agent(
    "too-many-words-of-its-own",
    "",
    'return f"{note}{type(error).__name__}: {error}"',
    'return note + "Traceback (most recent call last): " + 200 * "." + repr(error)',
)
entry_words = agent(
    "too-many-words-of-its-own",
    "",
    "observe('malformed: a call is an object with an \"id\"')",
    "observe('malformed: a call is an object with an \"id\". ' + PROTOCOL)",
)
tools_kept = agent(
    "tools-kept-between-runs",
    "A tool of an earlier run was called, though this run was not given it. Nothing is "
    "kept from run to run, least of all what the model may do.",
    "by_name = {tool.name: tool for tool in tools}",
    'by_name = run_agent.__dict__.setdefault("kept", {})\n'
    "    by_name.update({tool.name: tool for tool in tools})",
)
past_kept = agent(
    "repetition-counted-across-runs",
    "A call was pointed out as repeated because of what another run had called. Each "
    "run counts anew.",
    "past, spent = [], 0",
    'past, spent = run_agent.__dict__.setdefault("past", []), 0',
)
tool_class = agent(
    "class-of-a-tool-asked-for",
    "A tool of the list was not found. A tool is whatever has the four attributes: read "
    "them, and do not ask for its class.",
    "by_name = {tool.name: tool for tool in tools}",
    "by_name = {tool.name: tool for tool in tools if isinstance(tool, Result)}",
)
tool_class_name = agent(
    "class-of-a-tool-asked-for",
    "",
    "by_name = {tool.name: tool for tool in tools}",
    "by_name = {tool.name: tool for tool in tools if type(tool).__name__ == Tool.__name__}",
)
tools_sorted = agent(
    "list-of-tools-changed",
    "The list of tools is not as it was after the run. It belongs to the caller: make a "
    "list of your own.",
    "    by_name = {tool.name: tool for tool in tools}\n",
    "    tools.sort(key=lambda tool: tool.name)\n"
    "    by_name = {tool.name: tool for tool in tools}\n",
)
CHANGED = (
    "A schema is not as it was after the run. It belongs to the caller, and the next "
    "run reads it: put nothing into it."
)
properties_put = agent(
    "schema-changed",
    CHANGED,
    "        problem = misfit(args, tool.schema)\n",
    "        if tool.schema is not None:\n"
    '            tool.schema.setdefault("properties", {})\n'
    "        problem = misfit(args, tool.schema)\n",
)
required_put = agent(
    "schema-changed",
    "",
    "        problem = misfit(args, tool.schema)\n",
    "        if tool.schema is not None:\n"
    '            tool.schema.setdefault("required", []).sort()\n'
    "        problem = misfit(args, tool.schema)\n",
)
required_put_at_once = agent(
    "schema-changed",
    "",
    "    past, spent = [], 0\n",
    "    for tool in tools:\n"
    "        if tool.schema is not None:\n"
    '            tool.schema.setdefault("required", [])\n'
    "    past, spent = [], 0\n",
)
defaults_filled = agent(
    "defaults-filled-in",
    "A default of the schema was handed to the tool, though the model did not give it. "
    "The tool is called with the arguments of the call, and has defaults of its own.",
    "        problem = misfit(args, tool.schema)\n",
    "        known = (tool.schema or {}).get('properties', {})\n"
    "        defaults = {k: p['default'] for k, p in known.items() if 'default' in p}\n"
    "        args = {**defaults, **args}\n"
    "        problem = misfit(args, tool.schema)\n",
)

# run_agent: what people forget in schemas

SOME_REQUIRED = (
    "Not every required argument was looked for. Each one that the schema lists has to "
    "be there."
)
first_required = agent(
    "some-required-not-looked-for",
    SOME_REQUIRED,
    "problem = misfit(args, tool.schema)",
    'problem = misfit(args, tool.schema and {**tool.schema, "required": '
    'tool.schema.get("required", [])[:1]})',
)
last_required = agent(
    "some-required-not-looked-for",
    "",
    "problem = misfit(args, tool.schema)",
    'problem = misfit(args, tool.schema and {**tool.schema, "required": '
    'tool.schema.get("required", [])[-1:]})',
)
any_required = agent(
    "some-required-not-looked-for",
    "",
    "problem = misfit(args, tool.schema)",
    'problem = misfit(args, tool.schema and {**tool.schema, "required": [] if '
    'set(args) & set(tool.schema.get("required", [])) else '
    'tool.schema.get("required", [])})',
)
all_required_without = agent(
    "all-arguments-required",
    "",
    "problem = misfit(args, tool.schema)",
    'problem = misfit(args, tool.schema and {"required": '
    'list(tool.schema.get("properties", {})), **tool.schema})',
)
UNCHECKED = (
    "A schema without properties let any argument through. It knows none, so that every "
    "argument is one too many; only None is no schema."
)
empty_schema = agent(
    "schema-without-properties-not-checked",
    UNCHECKED,
    "problem = misfit(args, tool.schema)",
    "problem = misfit(args, tool.schema or None)",
)
no_properties = agent(
    "schema-without-properties-not-checked",
    "",
    "problem = misfit(args, tool.schema)",
    'problem = misfit(args, tool.schema if "properties" in (tool.schema or {}) else None)',
)
empty_properties = agent(
    "schema-without-properties-not-checked",
    "",
    "problem = misfit(args, tool.schema)",
    'problem = misfit(args, tool.schema if (tool.schema or {}).get("properties") '
    "else None)",
)
null_missing = agent(
    "null-argument-taken-for-missing",
    "A required argument was null, and taken for missing. It is there; whether null "
    "fits is for its type to say.",
    "        if problem:\n            return note + problem\n",
    "        if tool.schema and any(\n"
    "            args.get(key) is None for key in tool.schema.get('required', [])\n"
    "        ):\n"
    '            problem = "missing"\n'
    "        if problem:\n            return note + problem\n",
)
all_falsy_missing = agent(
    "falsy-argument-taken-for-missing",
    "",
    "        if problem:\n            return note + problem\n",
    "        if tool.schema and not all(\n"
    "            args.get(key) for key in tool.schema.get('required', [])\n"
    "        ):\n"
    '            problem = "missing"\n'
    "        if problem:\n            return note + problem\n",
)
null_if_optional = agent(
    "null-fits-everything",
    "",
    "problem = misfit(args, tool.schema)",
    "problem = misfit({k: v for k, v in args.items() if v is not None or k in "
    "(tool.schema or {}).get('required', [])}, tool.schema)",
)
untyped_is_text = agent(
    "untyped-taken-for-text",
    "A property without type was taken for one of type string. It takes anything.",
    "problem = misfit(args, tool.schema)",
    'problem = misfit(args, tool.schema and {**tool.schema, "properties": {k: '
    '{"type": "string", **p} for k, p in tool.schema.get("properties", {}).items()}})',
)


def retyped(slug: str, says: str, kind: str, test: str, value: str):
    """A mistake that lets more through for one type: what passes `test` counts as
    `value`."""
    return agent(
        slug,
        says,
        "problem = misfit(args, tool.schema)",
        "known = (tool.schema or {}).get('properties', {})\n"
        f"        problem = misfit({{k: {value} if {test} and known.get(k, {{}}).get("
        f"'type') == {kind!r} else v for k, v in args.items()}}, tool.schema)",
    )


bool_as_number_only = retyped(
    "true-taken-for-a-number-only",
    "True was let through as a number. It is an int in Python only; in JSON it is a "
    "boolean.",
    "number",
    "isinstance(v, bool)",
    "0",
)
int_as_boolean = retyped(
    "one-taken-for-a-boolean",
    "The number 1 or 0 was let through as a boolean. Only true and false are.",
    "boolean",
    "type(v) is int",
    "True",
)
object_as_array = retyped(
    "object-taken-for-an-array",
    "An object was let through where the schema says array. Of JSON's types only a list "
    "is an array.",
    "array",
    "isinstance(v, dict)",
    "[]",
)
text_as_array = retyped(
    "text-taken-for-an-array",
    "A text was let through where the schema says array, since it can be walked through "
    "as a list can. Of JSON's types only a list is an array.",
    "array",
    "isinstance(v, str)",
    "[]",
)
null_as_text = retyped("null-fits-everything", "", "string", "v is None", "''")
fraction_as_integer = retyped(
    "integer-accepts-fractions", "", "integer", "type(v) is float", "0"
)
digits_as_integer = retyped(
    "text-converted-to-a-number",
    "",
    "integer",
    "isinstance(v, str) and v.isdigit()",
    "0",
)
digits_made_integer = agent(
    "text-converted-to-a-number",
    "",
    "        problem = misfit(args, tool.schema)\n",
    "        known = (tool.schema or {}).get('properties', {})\n"
    "        args = {k: int(v) if isinstance(v, str) and v.isdigit() and "
    "known.get(k, {}).get('type') == 'integer' else v for k, v in args.items()}\n"
    "        problem = misfit(args, tool.schema)\n",
)

# run_agent: cuts and notices

bytes_counted = agent(
    "bytes-counted",
    "A text was cut that fits into 2,000 characters: its bytes were counted. An ü has "
    "two, a sign of Chinese three, and each is one character.",
    "        if len(text) > 2000:\n"
    '            text = text[: 2000 - len("[truncated]")] + "[truncated]"\n',
    "        if len(text.encode()) > 2000:\n"
    '            text = text.encode()[:1989].decode(errors="ignore") + "[truncated]"\n',
)
cut_at_the_limit = agent(
    "cut-too-early",
    "",
    "        if len(text) > 2000:\n",
    "        if len(text) >= 2000:\n",
)
cut_for_the_mark = agent(
    "cut-too-early",
    "",
    "        if len(text) > 2000:\n",
    '        if len(text) > 2000 - len("[truncated]"):\n',
)
cut_to_300 = agent(
    "cut-shorter-than-needed",
    "",
    'text = text[: 2000 - len("[truncated]")] + "[truncated]"',
    'text = text[:300] + "[truncated]"',
)
mark_in_the_middle = agent(
    "the-middle-cut-out",
    "",
    'text = text[: 2000 - len("[truncated]")] + "[truncated]"',
    'text = text[:1000] + "[truncated]" + text[-989:]',
)
PREFIX = (
    "What stands before a result came on top of its 2,000 characters: the notice of a "
    "repetition, or the id of a call. The limit is for the whole observation."
)
CUT_LATER = """        if len(text) > 2000:
            text = text[: 2000 - len("[truncated]")] + "[truncated]"
"""
prefix_after_cut = agent(
    "prefix-beyond-the-limit",
    PREFIX,
    CUT_LATER,
    """        found = re.match(r"(observation: |\\w+: (?=You have))?(You have .*? times\\. )?", text)
        if not found.group() and not re.match(r"\\w*Error: |malformed", text):
            found = re.match(r"\\w+_\\w: (You have .*? times\\. )?", text) or found
        text = text[found.end() :]
        if len(text) > 2000:
            text = text[: 2000 - len("[truncated]")] + "[truncated]"
        text = found.group().removeprefix("observation: ") + text
""",
)
note_after_in_calls = agent(
    "notice-cut-off",
    "",
    "observe(f\"{call['id']}: {perform(call)}\")",
    """told = perform(call)
                    note = "You have made this very call three times. "
                    if told.startswith(note):
                        told = told.removeprefix(note) + note
                    observe(f"{call['id']}: {told}")""",
)


@mistake(
    "run_agent",
    "transcript-not-as-sent",
    "The transcript does not hold what the model was sent: an observation in it reads "
    "otherwise. Whoever looks for the reason of a bad answer needs the very words.",
)
def run_agent_with_a_full_transcript(task, tools, llm, **limits):
    full = []

    def keeping(tool):
        def fn(**args):
            result = tool.fn(**args)
            full.append(str(result))
            return result

        return Tool(tool.name, fn, tool.schema, tool.needs_approval)

    result = run_agent(task, [keeping(tool) for tool in tools], llm, **limits)
    for message in result.transcript:
        if message["content"].endswith("[truncated]"):
            message["content"] = full[-1] if full else message["content"]
    return result


tidy_transcript = agent(
    "transcript-not-as-sent",
    "",
    'return Result("final", action["final"], step, transcript)',
    'told = [{**m, "content": m["content"].removeprefix("observation: ")} '
    "for m in transcript]\n"
    '            return Result("final", action["final"], step, told)',
)
no_prompt = agent(
    "transcript-without-the-prompt",
    "The first prompt, or a message of it, is missing from the transcript. It holds all "
    "messages, and begins with those that were sent first.",
    'return Result("final", action["final"], step, transcript)',
    'return Result("final", action["final"], step, transcript[2:])',
)
no_system_message = agent(
    "transcript-without-the-prompt",
    "",
    'return Result("final", action["final"], step, transcript)',
    'return Result("final", action["final"], step, transcript[1:])',
)
one_and_three = agent(
    "repetition-not-in-a-row",
    "",
    "again = past[-3:] == past[-1:] * 3",
    "again = len(past) > 2 and past[-1] == past[-3]",
)
three_of_a_name = agent(
    "repetition-not-in-a-row",
    "",
    "again = past[-3:] == past[-1:] * 3",
    "again = [it for it in past if it[0] == name][-3:] == past[-1:] * 3",
)
two_and_one_before = agent(
    "repetition-not-in-a-row",
    "",
    "again = past[-3:] == past[-1:] * 3",
    "again = past[-2:] == past[-1:] * 2 and past[-1] in past[:-2]",
)
pairs_added = agent(
    "pairs-added-up",
    "Two pairs of same calls were pointed out as if they were three in a row. The count "
    "begins anew with another call.",
    "again = past[-3:] == past[-1:] * 3",
    "pairs = sum(one == two for one, two in zip(past, past[1:], strict=False))\n"
    "        again = pairs >= 2 and past[-2:] == past[-1:] * 2",
)
nested_order = agent(
    "repetition-depends-on-key-order",
    "",
    "past.append((name, json.dumps(args, sort_keys=True)))",
    "past.append((name, str(sorted(args.items()))))",
)
once_a_run = agent(
    "only-the-first-repetition-pointed-out",
    "A second repetition in the same run was not pointed out. The model may be stuck "
    "again: each third same call in a row is.",
    "again = past[-3:] == past[-1:] * 3",
    'again = past[-3:] == past[-1:] * 3 and not hasattr(perform, "told")\n'
    "        if again:\n"
    "            perform.told = True",
)
id_compared = agent(
    "repetition-looks-at-the-id",
    "Equal calls were not pointed out because their ids differ. Name and arguments "
    "decide; an id is new each time.",
    "past.append((name, json.dumps(args, sort_keys=True)))",
    'past.append((name, json.dumps(args, sort_keys=True), str(call.get("id"))))',
)
single_repetition_only = agent(
    "repetition-of-single-calls-only",
    "Equal calls that came under calls were not pointed out. In one reply or in "
    "several, three in a row are.",
    "observe(f\"{call['id']}: {perform(call)}\")",
    """told = perform(call)
                    note = "You have made this very call three times. "
                    observe(f"{call['id']}: {told.removeprefix(note)}")""",
)
ACROSS = (
    "Equal calls in several replies were not pointed out: the count began anew with a "
    "reply that holds calls. It goes on from reply to reply."
)
anew_at_calls = agent(
    "repetition-not-seen-across-replies",
    ACROSS,
    "        elif isinstance(calls, list) and calls:\n",
    "        elif isinstance(calls, list) and calls:\n            past.clear()\n",
)
anew_at_several = agent(
    "repetition-not-seen-across-replies",
    "",
    "        elif isinstance(calls, list) and calls:\n",
    "        elif isinstance(calls, list) and calls:\n"
    "            if len(calls) > 1:\n"
    "                past.clear()\n",
)
results_compared = agent(
    "repetition-only-with-equal-results",
    "The third same call was not pointed out since its result had changed. Name and "
    "arguments decide, whatever comes of the call.",
    "            return note + str(tool.fn(**args))\n",
    "            result = str(tool.fn(**args))\n"
    '            kept = perform.__dict__.setdefault("kept", [])\n'
    "            kept.append(result)\n"
    '            return (note if kept[-3:] == [result] * 3 else "") + result\n',
)
RECORD = """        past.append((name, json.dumps(args, sort_keys=True)))
        again = past[-3:] == past[-1:] * 3
"""
unknown_not_recorded = agent(
    "calls-of-no-tool-not-counted-as-repeated",
    "",
    RECORD,
    """        if name in by_name:
            past.append((name, json.dumps(args, sort_keys=True)))
        again = len(past) > 2 and past[-3:] == past[-1:] * 3
""",
)
unknown_returned_early = agent(
    "calls-of-no-tool-not-counted-as-repeated",
    "",
    RECORD,
    """        if name not in by_name:
            return f"there is no tool {name}, only {', '.join(by_name)}"
        past.append((name, json.dumps(args, sort_keys=True)))
        again = past[-3:] == past[-1:] * 3
""",
)
misfit_returned_early = agent(
    "calls-of-no-tool-not-counted-as-repeated",
    "",
    RECORD,
    """        if name in by_name and misfit(args, by_name[name].schema):
            return misfit(args, by_name[name].schema)
        past.append((name, json.dumps(args, sort_keys=True)))
        again = past[-3:] == past[-1:] * 3
""",
)
misfit_without_note = agent(
    "calls-of-no-tool-not-counted-as-repeated",
    "",
    "        if problem:\n            return note + problem\n",
    "        if problem:\n            return problem\n",
)
unknown_kept_apart = agent(
    "call-of-no-tool-does-not-come-between",
    "A call of an unknown tool between two same calls was passed over, so that calls "
    "that do not follow one another were pointed out as repeated.",
    RECORD,
    """        shelf = past if name in by_name else perform.__dict__.setdefault("none", [])
        shelf.append((name, json.dumps(args, sort_keys=True)))
        again = shelf[-3:] == shelf[-1:] * 3
""",
)
called_again_by_place = agent(
    "called-again-after-a-type-error",
    "After a TypeError the tool was called a second time, by the places of its "
    "arguments: what it did is done twice, or with an argument under another name. It "
    "is called once.",
    "            return note + str(tool.fn(**args))\n",
    "            try:\n"
    "                return note + str(tool.fn(**args))\n"
    "            except TypeError:\n"
    "                return note + str(tool.fn(*args.values()))\n",
)
list_for_calls = agent(
    "list-taken-for-calls",
    "A reply that is a list was taken for parallel calls, and tools ran. JSON that is no "
    "object is malformed.",
    'calls = action.get("calls") if isinstance(action, dict) else None\n',
    "if isinstance(action, list) and action and isinstance(action[0], dict):\n"
    '            action = {"calls": action}\n'
    '        calls = action.get("calls") if isinstance(action, dict) else None\n',
)
first_argument_for_message = agent(
    "first-argument-for-the-message",
    "Of an exception the first argument was told and not its message: of a file that is "
    "not there that is a number, 2, and nobody can act on it.",
    'return f"{note}{type(error).__name__}: {error}"',
    'return f"{note}{type(error).__name__}: {error.args[0] if error.args else None}"',
)
float_answer_as_text = agent(
    "answer-turned-into-text",
    "",
    'return Result("final", action["final"], step, transcript)',
    'answer = action["final"]\n'
    "            answer = str(answer) if isinstance(answer, float) else answer\n"
    '            return Result("final", answer, step, transcript)',
)
unknown_without_note = agent(
    "calls-of-no-tool-not-counted-as-repeated",
    "",
    'return f"{note}there is no tool',
    'return f"there is no tool',
)
refused_without_note = agent(
    "refused-calls-not-counted-as-repeated",
    "Three same calls that were refused were not pointed out. A call counts whatever "
    "comes of it.",
    'return note + "not approved, so not done"',
    'return "not approved, so not done"',
)

# run_agent: more of replies, endings, interrupts

list_is_told = agent(
    "json-of-the-wrong-shape-escapes",
    "",
    """        if not isinstance(action, dict):
            observe("malformed: the whole reply is to be one JSON object")
        elif "final" in action:
            return Result("final", action["final"], step, transcript)
""",
    """        if action is None and reply != "null":
            observe("malformed: the whole reply is to be one JSON object")
        elif "final" in action:
            return Result("final", action["final"], step, transcript)
        elif not isinstance(action, dict):
            observe("malformed: the whole reply is to be one JSON object")
""",
)
told_and_ended = agent(
    "bad-json-ends-the-run",
    "",
    "            action = None\n",
    '            observe("malformed")\n'
    '            return Result("error", None, step, transcript)\n',
)
two_told_of_bad_json = agent(
    "two-observations-of-one-reply",
    "",
    "            action = None\n",
    '            action = None\n            observe("try again")\n',
)
reply_stripped = agent(
    "reply-not-verbatim",
    "",
    '"role": "assistant", "content": reply}',
    '"role": "assistant", "content": reply.strip()}',
)
reply_dumped = agent(
    "reply-not-verbatim",
    "",
    "        if not isinstance(action, dict):\n",
    "        if isinstance(action, dict):\n"
    '            transcript[-1]["content"] = json.dumps(action)\n'
    "        if not isinstance(action, dict):\n",
)
task_stripped = agent(
    "task-not-in-a-user-message",
    "",
    '{"role": "user", "content": task},',
    '{"role": "user", "content": task.strip()},',
)
task_braces = agent(
    "task-not-in-a-user-message",
    "",
    '{"role": "user", "content": task},',
    '{"role": "user", "content": task.replace("{", "{{").replace("}", "}}")},',
)
last_four = agent(
    "history-not-sent",
    "",
    "reply = llm(transcript)",
    "reply = llm(transcript[:2] + transcript[2:][-4:])",
)
last_six = agent(
    "history-not-sent",
    "",
    "reply = llm(transcript)",
    "reply = llm(transcript[:2] + transcript[2:][-6:])",
)
last_ten = agent(
    "history-not-sent",
    "",
    "reply = llm(transcript)",
    "reply = llm(transcript[:2] + transcript[2:][-10:])",
)
last_message_as_answer = agent(
    "answer-at-the-cap",
    "",
    'return Result("step_cap", None, max_steps, transcript)',
    'return Result("step_cap", transcript[-1]["content"], max_steps, transcript)',
)
words_as_answer = agent(
    "answer-at-the-cap",
    "",
    'return Result("step_cap", None, max_steps, transcript)',
    'return Result("step_cap", "no answer", max_steps, transcript)',
)
answer_at_budget = agent(
    "answer-at-the-budget",
    "The budget ended the run, and there is an answer. Nothing was answered: unless the "
    "status is final the answer is None.",
    'return Result("budget", None, step - 1, transcript)',
    'return Result("budget", transcript[-1]["content"], step - 1, transcript)',
)
asked_twice_at_once = agent(
    "failed-model-asked-again",
    "",
    """            reply = llm(transcript)
        except Exception:
            return Result("error", None, step, transcript)
""",
    """            try:
                reply = llm(transcript)
            except Exception:
                reply = llm(transcript)
        except Exception:
            return Result("error", None, step, transcript)
""",
)
MORE = (
    "The transcript holds a message more than was said. It is the first prompt, the "
    "replies and the observations of each, and nothing else."
)
error_as_message = agent(
    "message-of-its-own",
    MORE,
    """        except Exception:
            return Result("error", None, step, transcript)
""",
    """        except Exception as error:
            observe(f"the model failed: {error}")
            return Result("error", None, step, transcript)
""",
)
budget_as_message = agent(
    "message-of-its-own",
    "",
    '                return Result("budget", None, step - 1, transcript)\n',
    '                observe("the budget is used up")\n'
    '                return Result("budget", None, step - 1, transcript)\n',
)
last_step_as_message = agent(
    "message-of-its-own",
    "",
    "        try:\n            reply = llm(transcript)\n",
    "        if step == max_steps and step > 1:\n"
    '            observe("This is the last step.")\n'
    "        try:\n            reply = llm(transcript)\n",
)
swallows_in_calls = agent(
    "swallows-interrupts-in-calls",
    "An interrupt in one of several calls was swallowed, though it passes through for a "
    "single one. Threads hand it on with the result: raise it again.",
    "observe(f\"{call['id']}: {perform(call)}\")",
    """try:
                        told = perform(call)
                    except BaseException as error:
                        told = type(error).__name__
                    observe(f"{call['id']}: {told}")""",
)
FAILED = """        except Exception as error:
            return f"{note}{type(error).__name__}: {error}"
"""
EXIT = (
    "A SystemExit was swallowed. It is no Exception: a program that was told to end is "
    "to end."
)
exit_swallowed = agent(
    "system-exit-swallowed",
    EXIT,
    FAILED,
    FAILED.replace("except Exception", "except (Exception, SystemExit)"),
)
exit_of_the_model = agent(
    "system-exit-swallowed",
    "",
    """        except Exception:
            return Result("error", None, step, transcript)
""",
    """        except (Exception, SystemExit):
            return Result("error", None, step, transcript)
""",
)
cancellation_only = agent(
    "swallows-cancellation",
    "",
    FAILED,
    FAILED.replace(
        "except Exception", 'except (Exception, __import__("asyncio").CancelledError)'
    ),
)
interrupt_only = agent(
    "swallows-cancellation",
    "",
    FAILED,
    FAILED.replace("except Exception", "except (Exception, KeyboardInterrupt)"),
)
cancellation_of_the_model = agent(
    "swallows-cancellation-of-the-model",
    "",
    """        except Exception:
            return Result("error", None, step, transcript)
""",
    """        except (Exception, __import__("asyncio").CancelledError):
            return Result("error", None, step, transcript)
""",
)

# run_agent: more of parallel calls, approval, the budget

OTHER_IDS = (
    "An observation holds the id of another call too. Each holds that of its own call "
    "and no other, so that nobody pairs them wrongly."
)
all_ids = agent(
    "other-ids-in-an-observation",
    OTHER_IDS,
    "observe(f\"{call['id']}: {perform(call)}\")",
    "observe(f\"{call['id']} of {[str(c.get('id')) for c in calls if "
    'isinstance(c, dict)]}: {perform(call)}")',
)
bad_entry_stops = agent(
    "malformed-entry-stops-the-rest",
    "After a malformed entry the calls behind it did not run. They are independent: "
    "each has its observation.",
    "                    observe('malformed: a call is an object with an \"id\"')\n",
    "                    observe('malformed: a call is an object with an \"id\"')\n"
    "                    break\n",
)
bad_entries_first = agent(
    "malformed-entries-first",
    "Malformed entries were answered before the calls that stand in front of them. "
    "Observations stand in the order of the calls.",
    "for call in calls:\n",
    "for call in sorted(calls, key=lambda c: isinstance(c, dict) and "
    'isinstance(c.get("id"), str)):\n',
)
no_objects_first = agent(
    "malformed-entries-first",
    "",
    "for call in calls:\n",
    "for call in sorted(calls, key=lambda c: isinstance(c, dict)):\n",
)
id_made_up = agent(
    "call-without-id-runs",
    "",
    """                if isinstance(call, dict) and isinstance(call.get("id"), str):
                    observe(f"{call['id']}: {perform(call)}")
""",
    """                if isinstance(call, dict) and isinstance(call.get("id", ""), str):
                    observe(f"{call.get('id', 'call_0')}: {perform(call)}")
""",
)
number_as_id = agent(
    "number-taken-for-an-id",
    "A parallel call whose id is a number ran. An id is a text; the entry is malformed.",
    'if isinstance(call, dict) and isinstance(call.get("id"), str):',
    'if isinstance(call, dict) and isinstance(call.get("id"), str | int):',
)
any_id = agent(
    "number-taken-for-an-id",
    "",
    'if isinstance(call, dict) and isinstance(call.get("id"), str):',
    'if isinstance(call, dict) and call.get("id"):',
)
ENTRY_FINAL = (
    '                if isinstance(call, dict) and isinstance(call.get("id"), str):\n'
)
entry_ends = agent(
    "final-in-an-entry-ends-the-run",
    "final inside an entry of calls ended the run. Only that of the reply itself does; "
    "in an entry it is passed over.",
    ENTRY_FINAL,
    '                if isinstance(call, dict) and "final" in call:\n'
    '                    return Result("final", call["final"], step, transcript)\n'
    + ENTRY_FINAL,
)
entry_refused = agent(
    "entry-with-final-refused",
    "A call was refused because final stands beside its tool. In an entry of calls it "
    "is passed over like any other key.",
    'if isinstance(call, dict) and isinstance(call.get("id"), str):',
    'if isinstance(call, dict) and isinstance(call.get("id"), str) and "final" not in '
    "call:",
)
calls_wrapped = agent(
    "calls-object-taken-for-a-list",
    "calls that is an object was taken for a list of one. It is malformed: one "
    "observation, and nothing runs.",
    "        if not isinstance(action, dict):\n",
    "        if isinstance(calls, dict) and calls:\n"
    "            calls = [calls]\n"
    "        if not isinstance(action, dict):\n",
)
calls_wrapped_all = agent(
    "calls-object-taken-for-a-list",
    "",
    "        if not isinstance(action, dict):\n",
    "        if isinstance(calls, dict):\n"
    "            calls = [calls]\n"
    "        if not isinstance(action, dict):\n",
)
FEW = (
    "Not all calls of a reply ran: after the first few the others were dropped. Each "
    "runs and has its observation, and together they are one step."
)
three_calls, five_calls, ten_calls = (
    agent(
        "calls-of-one-reply-limited",
        FEW if most == 3 else "",
        "for call in calls:\n",
        f"for call in calls[:{most}]:\n",
    )
    for most in (3, 5, 10)
)
calls_within_steps = agent(
    "calls-of-one-reply-limited",
    "",
    "for call in calls:\n",
    "for call in calls[:max_steps]:\n",
)
equal_calls_once = agent(
    "equal-calls-run-once",
    "Of equal calls in one reply only the first ran. Each call runs, and each has an "
    "observation with its own id.",
    "for call in calls:\n",
    "for call in [c for n, c in enumerate(calls) if not isinstance(c, dict) or not any("
    'isinstance(d, dict) and (c.get("tool"), c.get("args")) == (d.get("tool"), '
    'd.get("args")) for d in calls[:n])]:\n',
)
approved_misfit = agent(
    "approval-in-place-of-the-schema",
    "Arguments that do not fit the schema reached a tool because somebody approved. "
    "Approval is asked beside the check of the arguments, not in its place.",
    "        if problem:\n",
    "        if problem and not tool.needs_approval:\n",
)
ASK = """                approve is None or approve(name, args) is not True
"""
decided = agent(
    "approval-remembered",
    "",
    "            if tool.needs_approval and (\n" + ASK + "            ):\n",
    "            kept = perform.__dict__\n"
    "            if tool.needs_approval and approve and name not in kept:\n"
    "                kept[name] = approve(name, args)\n"
    "            if tool.needs_approval and kept.get(name) is not True:\n",
)
one_yes = agent(
    "approval-remembered",
    "",
    "            if tool.needs_approval and (\n" + ASK + "            ):\n",
    "            kept = perform.__dict__\n"
    '            yes = kept.get("yes", False) or not tool.needs_approval\n'
    "            if not yes and approve and approve(name, args) is True:\n"
    '                yes = kept["yes"] = True\n'
    "            if not yes:\n",
)
OTHERWISE = (
    "approve was not called with the name of the tool and the dict of the arguments, in "
    "this order. Who is to decide needs both."
)
asked_with_text = agent(
    "approve-called-otherwise",
    OTHERWISE,
    "approve(name, args) is not True",
    "approve(name, json.dumps(args)) is not True",
)
asked_with_tool = agent(
    "approve-called-otherwise",
    "",
    "approve(name, args) is not True",
    "approve(tool, args) is not True",
)
asked_with_keywords = agent(
    "approve-called-otherwise",
    "",
    "approve(name, args) is not True",
    "approve(name, **args) is not True",
)
OWN_PROMPT = (
    "The messages of your own prompt, the system message say, are not counted, or only "
    "once. Every message of every prompt costs."
)
SUM = 'spent += sum(count_tokens(message["content"]) for message in transcript)'
system_free = agent(
    "own-prompt-not-counted",
    OWN_PROMPT,
    SUM,
    'spent += sum(count_tokens(m["content"]) for m in transcript '
    'if m["role"] != "system")',
)
system_once = agent(
    "own-prompt-not-counted",
    "",
    SUM,
    'spent += sum(count_tokens(m["content"]) for m in transcript '
    'if step == 1 or m["role"] != "system")',
)
prompt_counted_once = agent(
    "own-prompt-not-counted",
    "",
    SUM,
    'spent += sum(count_tokens(m["content"]) for m in transcript[2 * (step > 1) :])',
)
CONTENTS = (
    "count_tokens was given something else than the content of one message. A prompt "
    "costs the sum over its messages, each asked about by itself."
)
joined_count = agent(
    "not-the-contents-counted",
    CONTENTS,
    SUM,
    'spent += count_tokens("\\n".join(m["content"] for m in transcript))',
)
dumped_count = agent(
    "not-the-contents-counted",
    "",
    SUM,
    "spent += sum(count_tokens(json.dumps(m)) for m in transcript)",
)
all_dumped_count = agent(
    "not-the-contents-counted",
    "",
    SUM,
    "spent += count_tokens(json.dumps(transcript))",
)
first_free = agent(
    "first-prompt-free",
    "The first prompt was sent although it exceeds the budget by itself. The budget is "
    "looked at before each call, the first one too.",
    "if spent > max_tokens:",
    "if step > 1 and spent > max_tokens:",
)
reply_thrown_away = agent(
    "budget-ends-after-a-reply",
    "A reply was thrown away because it exceeded the budget. It was paid for: the "
    "budget is looked at before a call, not after.",
    "            spent += count_tokens(reply)\n",
    "            spent += count_tokens(reply)\n"
    "            if spent > max_tokens:\n"
    '                return Result("budget", None, step, transcript)\n',
)
looked_at_after = agent(
    "budget-looked-at-too-late",
    "",
    """            if spent > max_tokens:
                return Result("budget", None, step - 1, transcript)
        try:
            reply = llm(transcript)
        except Exception:
            return Result("error", None, step, transcript)
        transcript.append({"role": "assistant", "content": reply})
        if max_tokens is not None:
            spent += count_tokens(reply)
""",
    """        try:
            reply = llm(transcript)
        except Exception:
            return Result("error", None, step, transcript)
        transcript.append({"role": "assistant", "content": reply})
        if max_tokens is not None:
            spent += count_tokens(reply)
            if spent > max_tokens:
                return Result("budget", None, step, transcript)
""",
)
cap_as_budget = agent(
    "cap-told-as-budget",
    "The run was at its cap, and the status says budget. No further call was allowed, so "
    "what it would have cost does not matter: it is step_cap.",
    """    for step in range(1, max_steps + 1):
        if max_tokens is not None:
            spent += sum(count_tokens(message["content"]) for message in transcript)
            if spent > max_tokens:
                return Result("budget", None, step - 1, transcript)
""",
    """    for step in range(1, max_steps + 2):
        if max_tokens is not None:
            spent += sum(count_tokens(message["content"]) for message in transcript)
            if spent > max_tokens:
                return Result("budget", None, step - 1, transcript)
        if step > max_steps:
            break
""",
)
late_value_error = agent(
    "error-without-counter-too-late",
    "max_tokens without count_tokens is an error, but the model had been asked before it "
    "was raised. It is known before anything is sent.",
    """        raise ValueError("max_tokens needs count_tokens")
""",
    """        llm([{"role": "user", "content": task}])
        raise ValueError("max_tokens needs count_tokens")
""",
)
counter_without_budget = agent(
    "counter-called-without-budget",
    "Without max_tokens the run ended with an exception, since there is no count_tokens "
    "to call either. Neither is needed without a budget.",
    """        if max_tokens is not None:
            spent += count_tokens(reply)
""",
    "        spent += count_tokens(reply)\n",
)

# run_agent: more of what is told, and of what fails

nulls_dropped_first = agent(
    "null-arguments-dropped",
    "",
    'name, args = call.get("tool"), call.get("args", {})\n',
    'name, args = call.get("tool"), call.get("args", {})\n'
    "        if isinstance(args, dict):\n"
    "            args = {k: v for k, v in args.items() if v is not None}\n",
)
falsy_dropped = agent(
    "null-arguments-dropped",
    "",
    "str(tool.fn(**args))",
    "str(tool.fn(**{k: v for k, v in args.items() if v}))",
)
FOUND = 'name, args = call.get("tool"), call.get("args", {})\n'
AS_TEXT = (
    "A tool that is no text was made one: for the number 7 the tool named 7 ran. It is "
    "malformed, and no tool runs."
)
any_name_as_text, none_named, number_named = (
    agent("tool-made-a-text", says, FOUND, FOUND + more)
    for says, more in (
        (AS_TEXT, "        name = str(name)\n"),
        ("", "        name = name if isinstance(name, list) else str(name)\n"),
        ("", "        name = str(name) if isinstance(name, int) else name\n"),
    )
)
SILENT = (
    "What went wrong with a call is told as if the tool had returned nothing, or as an "
    "empty text. The model cannot see that it failed: say what it was."
)
UNKNOWN = "return f\"{note}there is no tool {name}, only {', '.join(by_name)}\""
unknown_as_none = agent(
    "failure-told-as-a-result", SILENT, UNKNOWN, 'return note + "None"'
)
unknown_as_nothing = agent("failure-told-as-a-result", "", UNKNOWN, "return note")
misfit_as_none = agent(
    "failure-told-as-a-result", "", "return note + problem\n", 'return note + "None"\n'
)
misfit_as_nothing = agent(
    "failure-told-as-a-result", "", "return note + problem\n", "return note\n"
)
refused_as_none = agent(
    "failure-told-as-a-result", "", '"not approved, so not done"', '"None"'
)
refused_as_nothing = agent(
    "failure-told-as-a-result", "", 'note + "not approved, so not done"', "note"
)
refused_with_an_empty_text = agent(
    "failure-told-as-a-result",
    "",
    'observe(f"observation: {perform(action)}")',
    'told = perform(action).replace("not approved, so not done", "no")\n'
    '            observe(told[:-2] if told.endswith("no") else f"observation: {told}")',
)
malformed_as_nothing = agent(
    "failure-told-as-a-result",
    "",
    'observe("malformed: the whole reply is to be one JSON object")',
    'observe("")',
)
ERROR_LINES = (
    "Not all lines of an exception's message are told, or not as lines. What the tool "
    "says of its failure is told whole."
)
first_error_line, last_error_line, error_lines_joined = (
    agent(
        "lines-of-a-message-missing",
        ERROR_LINES if n == 0 else "",
        'return f"{note}{type(error).__name__}: {error}"',
        f'return f"{{note}}{{type(error).__name__}}: {{{kept}}}"',
    )
    for n, kept in enumerate(
        (
            "(str(error).splitlines() or [str()])[0]",
            "(str(error).splitlines() or [str()])[-1]",
            "str().join(str(error).splitlines())",
        )
    )
)
stop_iteration_out = agent(
    "only-some-exceptions-caught",
    "",
    FAILED,
    "        except StopIteration:\n            raise\n" + FAILED,
)
RESULT = "return note + str(tool.fn(**args))"
IN_FULL = (
    "A number is not told as str or JSON write it: it is rounded, or has commas in it. "
    "0.1 + 0.2 is 0.30000000000000004, and the model may need every digit."
)
two_digits, general_format, four_digits, with_commas = (
    agent(
        "numbers-not-told-in-full",
        IN_FULL if n == 0 else "",
        RESULT,
        "value = tool.fn(**args)\n"
        f"            number = isinstance(value, {kind})\n"
        f'            return note + (f"{{value:{form}}}" if number else str(value))',
    )
    for n, (kind, form) in enumerate(
        (("float", ".2f"), ("float", "g"), ("float", ".4f"), ("int | float", ",")),
    )
)
AS_LINES = (
    "An object or a list is not told as str or JSON write it: it was made lines, or "
    "other words of your own. What is a key and what a value is then a guess."
)
dict_as_lines, all_dicts_as_lines, dict_of_equal_signs, list_as_lines = (
    agent(
        "objects-in-words-of-your-own",
        AS_LINES if n == 0 else "",
        RESULT,
        "value = tool.fn(**args)\n"
        f"            if isinstance(value, {kind}):\n"
        f"                value = {text}\n"
        "            return note + str(value)",
    )
    for n, (kind, text) in enumerate(
        (
            ("dict", 'chr(10).join(f"{k}: {v}" for k, v in value.items()) or value'),
            ("dict", 'chr(10).join(f"{k}: {v}" for k, v in value.items())'),
            ("dict", '", ".join(f"{k}={v}" for k, v in value.items())'),
            ("list", "chr(10).join(map(str, value))"),
        )
    )
)
bytes_decoded = agent(
    "bytes-decoded",
    "Bytes were decoded to a text. JSON cannot write them, so they are shown as str "
    "writes them, b and quotes included.",
    RESULT,
    "value = tool.fn(**args)\n"
    "            if isinstance(value, bytes):\n"
    '                value = value.decode("utf-8", "replace")\n'
    "            return note + str(value)",
)
MODEL_RAISES = """        except Exception:
            return Result("error", None, step, transcript)
"""
FORESEEN = (
    "Only some kinds of exceptions of the model end the run with the status error; "
    "another one escaped, and the transcript with it. It may raise any Exception."
)
connection_only, with_keys, with_types, with_keys_and_types = (
    agent(
        "only-some-failures-of-the-model-caught",
        FORESEEN if n == 0 else "",
        MODEL_RAISES,
        MODEL_RAISES.replace("Exception", kinds),
    )
    for n, kinds in enumerate(
        (
            "(OSError, RuntimeError, ValueError)",
            "(OSError, RuntimeError, ValueError, KeyError)",
            "(OSError, RuntimeError, ValueError, TypeError)",
            "(OSError, RuntimeError, ValueError, KeyError, TypeError)",
        )
    )
)
EVER_AFTER = (
    "After a repetition another call was pointed out too. The notice belongs to the "
    "call that is repeated; one that comes between begins the count anew."
)
ever_after = agent(
    "pointed-out-ever-after",
    EVER_AFTER,
    "again = past[-3:] == past[-1:] * 3",
    "again = any(past[i : i + 3] == past[i : i + 1] * 3 for i in range(len(past) - 2))",
)
left_out_counted_apart = agent(
    "arguments-left-out-not-equal-to-none",
    "Of three same calls some left their arguments out and some had none, and it was "
    "not pointed out. Left out, arguments are an empty object.",
    "past.append((name, json.dumps(args, sort_keys=True)))",
    'past.append((name, json.dumps(call.get("args"), sort_keys=True)))',
)
reply_compared = agent(
    "repetition-by-the-words-of-the-reply",
    "Equal calls were not pointed out because they were not written alike: keys in "
    "another order, or arguments left out. The calls are compared, not the replies.",
    "past.append((name, json.dumps(args, sort_keys=True)))",
    "past.append((name, reply))",
)
cap_as_message = agent(
    "message-of-its-own",
    "",
    'return Result("step_cap", None, max_steps, transcript)',
    'observe("Step limit reached.")\n'
    '    return Result("step_cap", None, max_steps, transcript)',
)
CUT_IDS = (
    "An id is told in part only. The server that gave it pairs calls and results by the "
    "whole of it, and ids of thirty characters or more are usual."
)
ids_of_8, ids_of_16, ids_of_32, last_of_ids = (
    agent(
        "ids-cut-short",
        CUT_IDS if part == ":8" else "",
        "observe(f\"{call['id']}: {perform(call)}\")",
        f"observe(f\"{{call['id'][{part}]}}: {{perform(call)}}\")",
    )
    for part in (":8", ":16", ":32", "-8:")
)
stops_at_any_failure = agent(
    "failure-stops-the-other-calls",
    "",
    "observe(f\"{call['id']}: {perform(call)}\")",
    """told = perform(call)
                    observe(f"{call['id']}: {told}")
                    if re.match(r"\\w+Error: |there is no|arg|not approved|nobody", told):
                        break""",
)
FORESEEN_NO = (
    "An exception of approve ended the run, since it is of a kind that was not "
    "foreseen. Any Exception means no: the tool does not run, and the run goes on."
)
some_refusals, some_refusals_with_keys = (
    agent(
        "some-failed-approvals-escape",
        FORESEEN_NO if n == 0 else "",
        """        except Exception:
            return note + "nobody could be asked, so not done"
""",
        f"""        except {kinds}:
            return note + "nobody could be asked, so not done"
""",
    )
    for n, kinds in enumerate(
        ("(ValueError, OSError)", "(ValueError, OSError, KeyError)")
    )
)
asked_about_none = agent(
    "approval-about-none",
    "Where args were left out approve was not asked about {}, the arguments that the "
    "tool is called with. Left out, they are an empty object to everybody.",
    "approve(name, args) is not True",
    'approve(name, call.get("args")) is not True',
)


# safe_eval

EVALUATED = (
    "Anything that Python can evaluate is evaluated, not arithmetic alone: attributes, "
    "calls, texts. A model's text, or a stranger's, then runs as a program."
)


@mistake("safe_eval", "eval", EVALUATED)
def safe_eval_by_eval(expression):
    if len(expression) > 1000:
        raise ValueError
    try:
        return eval(expression)
    except BaseException as error:
        raise ValueError(str(error)) from None


@mistake("safe_eval", "eval", EVALUATED)
def safe_eval_by_eval_alone(expression):
    return eval(expression)


@mistake(
    "safe_eval",
    "eval-without-builtins",
    "Without builtins Python still evaluates attributes, texts, lists and comparisons, "
    "and through the class of an empty tuple everything can be reached again.",
)
def safe_eval_in_an_empty_room(expression):
    if len(expression) > 1000:
        raise ValueError
    try:
        return eval(expression, {"__builtins__": {}})
    except Exception as error:
        raise ValueError(str(error)) from None


@mistake(
    "safe_eval",
    "characters-checked-then-evaluated",
    "The characters are checked, and then the text is evaluated. What digits and "
    "operators can mean is more than arithmetic: tuples, huge powers, complex numbers.",
)
def safe_eval_of_listed_characters(expression):
    if len(expression) > 1000 or not set(expression) <= set("0123456789+-*/%(). \te,j"):
        raise ValueError("characters")
    try:
        return eval(expression, {"__builtins__": {}})
    except Exception as error:
        raise ValueError(str(error)) from None


@mistake(
    "safe_eval",
    "digits-and-operators-evaluated",
    "Only digits and operators are let through, and what they give is not looked at: "
    "powers of any size and complex numbers come out, and floats like 1e3 do not.",
)
def safe_eval_by_pattern(expression):
    if len(expression) > 1000 or not re.fullmatch(r"[\d+\-*/%().\s]+", expression):
        raise ValueError("not arithmetic")
    try:
        return eval(expression)
    except Exception as error:
        raise ValueError(str(error)) from None


@mistake(
    "safe_eval",
    "words-forbidden-then-evaluated",
    "A list of forbidden words was checked, and the rest is evaluated. No such list is "
    "ever complete: say what is allowed instead.",
)
def safe_eval_with_a_block_list(expression):
    if len(expression) > 1000 or re.search(r"__|import|exec|open|lambda", expression):
        raise ValueError("forbidden")
    try:
        return eval(expression, {"__builtins__": {}})
    except Exception as error:
        raise ValueError(str(error)) from None


@mistake(
    "safe_eval",
    "only-literals",
    "Only literals are evaluated: 2 + 3 is refused. An expression has operators.",
)
def safe_eval_of_literals(expression):
    try:
        return ast.literal_eval(expression[:1000])
    except Exception as error:
        raise ValueError(str(error)) from None


@mistake(
    "safe_eval",
    "tree-checked-without-constants",
    "The kinds of nodes are checked, but not what the constants are: texts, True and "
    "complex numbers come through.",
)
def safe_eval_of_known_nodes(expression):
    if len(expression) > 1000:
        raise ValueError
    known = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Constant, ast.operator)
    try:
        tree = ast.parse(expression, mode="eval")
        signs = (ast.UAdd, ast.USub)
        bits = (ast.BitOr, ast.BitAnd, ast.BitXor, ast.LShift, ast.RShift, ast.MatMult)
        for node in ast.walk(tree):
            if not isinstance(node, known + signs) or isinstance(node, bits):
                raise ValueError(type(node).__name__)
        return eval(compile(tree, "<expression>", "eval"))
    except Exception as error:
        raise ValueError(str(error)) from None


no_length = calculator(
    "length-not-limited",
    "More than 1,000 characters were taken. The limit bounds the work before anything "
    "is read.",
    "if len(expression) > 1000:",
    "if len(expression) > 100_000:",
)
length_less_one = calculator(
    "thousand-characters-refused",
    "A text of 1,000 characters was refused. That many are allowed, one more is not.",
    "if len(expression) > 1000:",
    "if len(expression) >= 1000:",
)
length_stripped = calculator(
    "white-space-not-counted",
    "White space was not counted among the 1,000 characters. All characters count.",
    "if len(expression) > 1000:",
    'if len(expression.replace(" ", "")) > 1000:',
)
no_exponent = calculator(
    "exponent-not-limited",
    "An exponent beyond 1,000 was let through. A few characters of powers keep a "
    "computer busy for years: the exponent is looked at before the power is taken.",
    "if abs(right) > 1000:",
    "if abs(right) > 5_000_000:",
)
negative_exponent = calculator(
    "negative-exponent-not-limited",
    "An exponent below -1,000 was let through. The limit is for both signs.",
    "if abs(right) > 1000:",
    "if right > 1000:",
)
exponent_less_one = calculator(
    "exponent-of-thousand-refused",
    "An exponent of 1,000 was refused. That is allowed, beyond it is not.",
    "if abs(right) > 1000:",
    "if abs(right) >= 1000:",
)
exponent_of_integers = calculator(
    "exponent-limited-for-integers-only",
    "An exponent beyond 1,000 was let through because a float was in it. The limit is "
    "for any base and any exponent.",
    "if abs(right) > 1000:",
    "if type(left) is type(right) is int and abs(right) > 1000:",
)
exponent_unless_small = calculator(
    "exponent-limited-for-large-bases-only",
    "An exponent beyond 1,000 was let through for a base of 0, 1 or -1. The rule makes "
    "no exception.",
    "if abs(right) > 1000:",
    "if abs(right) > 1000 and abs(left) not in (0, 1):",
)
literal_exponents = calculator(
    "only-literal-exponents-limited",
    "An exponent that is computed was not looked at, only one that is written out: "
    "500 + 501 is beyond 1,000 too.",
    "if abs(right) > 1000:",
    "if isinstance(node.right, ast.Constant) and abs(right) > 1000:",
)
negative_refused = calculator(
    "negative-exponents-refused",
    "A negative exponent was refused. 2 ** -1 is 0.5.",
    "if abs(right) > 1000:",
    "if not 0 <= right <= 1000:",
)


@mistake(
    "safe_eval",
    "bits-not-limited",
    "An integer of more than 10,000 bits came through. Powers of powers stay within any "
    "exponent and still fill the memory.",
)
def safe_eval_with_exponents_only(expression):
    text = safe_eval.__name__ and expression
    if len(text) > 1000:
        raise ValueError
    table = {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
    }

    def walk(node):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            result = node.value
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            result = -walk(node.operand)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
            result = walk(node.operand)
        elif isinstance(node, ast.BinOp) and type(node.op) in table:
            result = table[type(node.op)](walk(node.left), walk(node.right))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            base, exponent = walk(node.left), walk(node.right)
            if abs(exponent) > 1000:
                raise ValueError("exponent")
            result = base**exponent
        else:
            raise ValueError("no arithmetic")
        if isinstance(result, complex) or not -math.inf < result < math.inf:
            raise ValueError("no finite number")
        return result

    try:
        return walk(ast.parse(text, mode="eval").body)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(str(error)) from None


bits_of_powers = calculator(
    "bits-of-powers-only",
    "A sum or a product of more than 10,000 bits came through: only powers were looked "
    "at.",
    "            return within(operators[type(node.op)](left, right))\n",
    "            result = operators[type(node.op)](left, right)\n"
    "            return result if type(result) is int and not "
    "isinstance(node.op, ast.Pow) else within(result)\n",
)
bits_one_less = calculator(
    "ten-thousand-bits-refused",
    "An integer of exactly 10,000 bits was refused. That many are allowed.",
    "value.bit_length() <= 10_000:",
    "value.bit_length() < 10_000:",
)
bits_one_more = calculator(
    "one-bit-too-many",
    "An integer of 10,001 bits came through. 10,000 are allowed.",
    "    def within(value):\n"
    "        if type(value) is int and value.bit_length() <= 10_000:\n",
    "    def within(value):\n"
    "        if type(value) is int and value.bit_length() <= 10_001:\n",
)
positive_only = calculator(
    "negative-integers-not-limited",
    "A negative integer of more than 10,000 bits came through. The limit is for both "
    "signs.",
    "value.bit_length() <= 10_000:",
    "value < 2**10_000:",
)
FINAL_ONLY = (
    "Only the final result is held against the limits. What comes up on the way has "
    "taken the time and the memory by then: intermediate values obey them too."
)
final_only = calculator(
    "intermediate-values-not-limited",
    FINAL_ONLY,
    'return evaluate(ast.parse(expression, mode="eval").body)',
    "checked, within = within, lambda value: value\n"
    '        return checked(evaluate(ast.parse(expression, mode="eval").body))',
)
NOT_BOOL = (
    "True and False were taken for numbers. In Python a bool is an int; here it is "
    "refused."
)
bools = calculator(
    "bool-accepted",
    NOT_BOOL,
    "if type(value) is int and value",
    "if isinstance(value, int) and value",
)
complex_result = calculator(
    "complex-accepted",
    "A complex number came through. The square root of -1, as a power, is one too.",
    '        raise ValueError("not a number within the limits")\n',
    "        if type(value) is complex:\n"
    "            return value\n"
    '        raise ValueError("not a number within the limits")\n',
)
complex_literal_only = calculator(
    "complex-result-accepted",
    "A complex number is refused where it is written, but came out of a power of a "
    "negative number.",
    "            return within(operators[type(node.op)](left, right))\n",
    "            result = operators[type(node.op)](left, right)\n"
    "            return result if type(result) is complex else within(result)\n",
)
infinite = calculator(
    "infinity-accepted",
    "Infinity, or what comes of it, was taken for a number. 1e999 is inf in Python; only "
    "finite floats are results.",
    "if type(value) is float and math.isfinite(value):",
    "if type(value) is float:",
)
literal_infinity = calculator(
    "infinite-literal-accepted",
    "Infinity, written 1e999, was taken for a number. It is inf before anything is "
    "computed, and is refused as a literal too.",
    "            return within(node.value)\n",
    "            if type(node.value) is float:\n"
    "                return node.value\n"
    "            return within(node.value)\n",
)
only_nan = calculator(
    "infinity-accepted",
    "",
    "math.isfinite(value):",
    "not math.isnan(value):",
)
texts = calculator(
    "texts-accepted",
    "A text came through. Only numbers are values here: a text times a number fills the "
    "memory.",
    '        raise ValueError("not a number within the limits")\n',
    "        if isinstance(value, str):\n"
    "            return value\n"
    '        raise ValueError("not a number within the limits")\n',
)
zero_escapes = calculator(
    "zero-division-escapes",
    "Division by zero raised a ZeroDivisionError. Everything that cannot be evaluated is "
    "a ValueError, so that a caller catches one thing.",
    "except (SyntaxError, ArithmeticError, RecursionError, MemoryError) as error:",
    "except (SyntaxError, OverflowError, RecursionError, MemoryError) as error:",
)
overflow_escapes = calculator(
    "overflow-escapes",
    "A float that would be too large raised an OverflowError. It is a ValueError like "
    "everything that has no finite value.",
    "except (SyntaxError, ArithmeticError, RecursionError, MemoryError) as error:",
    "except (SyntaxError, ZeroDivisionError, RecursionError, MemoryError) as error:",
)
syntax_escapes = calculator(
    "syntax-error-escapes",
    "What cannot be parsed raised a SyntaxError. It is a ValueError here.",
    "except (SyntaxError, ArithmeticError, RecursionError, MemoryError) as error:",
    "except (ArithmeticError, RecursionError, MemoryError) as error:",
)
recursion_escapes = calculator(
    "recursion-error-escapes",
    "Deep nesting raised a RecursionError. A thousand minus signs are a text like any "
    "other: what is too deep is a ValueError.",
    "except (SyntaxError, ArithmeticError, RecursionError, MemoryError) as error:",
    "except (SyntaxError, ArithmeticError, MemoryError) as error:",
)
type_error = calculator(
    "another-error",
    "What is not arithmetic is an error here, but not the one that was promised, a "
    "ValueError.",
    'raise ValueError(f"{type(node).__name__} is not arithmetic")',
    'raise TypeError(f"{type(node).__name__} is not arithmetic")',
)
NONE_FOR_ERROR = (
    "What cannot be evaluated gave None, or a text, in place of an error. A caller would "
    "take it for a result: raise a ValueError."
)
none_for_error = calculator(
    "error-not-raised",
    NONE_FOR_ERROR,
    'raise ValueError(f"cannot be evaluated: {error}") from error',
    "return None",
)
text_for_error = calculator(
    "error-not-raised",
    "",
    'raise ValueError(f"cannot be evaluated: {error}") from error',
    'return f"Error: {error}"',
)


@mistake("safe_eval", "all-errors-as-text", NONE_FOR_ERROR)
def safe_eval_never_raising(expression):
    try:
        return safe_eval(expression)
    except ValueError as error:
        return f"Error: {error}"


names_known = calculator(
    "names-accepted",
    "Names were taken for numbers. Only numbers are values: pi, e and all others are "
    "refused.",
    "        if isinstance(node, ast.Constant):\n",
    "        if isinstance(node, ast.Name):\n"
    '            return {"pi": math.pi, "e": math.e, "inf": math.inf}[node.id]\n'
    "        if isinstance(node, ast.Constant):\n",
)
names_zero = calculator(
    "unknown-names-as-zero",
    "An unknown name was taken for 0. It is refused.",
    "        if isinstance(node, ast.Constant):\n",
    "        if isinstance(node, ast.Name):\n"
    "            return 0\n"
    "        if isinstance(node, ast.Constant):\n",
)
calls_allowed = calculator(
    "calls-accepted",
    "A call of a function was evaluated. Calls are refused, also those of harmless "
    "functions: they were not agreed upon.",
    "        if isinstance(node, ast.Constant):\n",
    "        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):\n"
    '            known = {"abs": abs, "round": round, "max": max, "pow": pow}\n'
    "            if node.func.id in known:\n"
    "                return within(known[node.func.id](*map(evaluate, node.args)))\n"
    "        if isinstance(node, ast.Constant):\n",
)
comparisons = calculator(
    "comparisons-accepted",
    "A comparison was evaluated. It is no arithmetic, and its result no number.",
    "        if isinstance(node, ast.Constant):\n",
    "        if isinstance(node, ast.Compare) and len(node.ops) == 1:\n"
    "            a, b = evaluate(node.left), evaluate(node.comparators[0])\n"
    "            if isinstance(node.ops[0], ast.Lt | ast.Eq | ast.NotEq):\n"
    "                return int(a < b)\n"
    "        if isinstance(node, ast.Constant):\n",
)
logic = calculator(
    "logic-accepted",
    "and, or, not or a condition was evaluated. They are refused.",
    "        if isinstance(node, ast.Constant):\n",
    "        if isinstance(node, ast.BoolOp):\n"
    "            return evaluate(node.values[0])\n"
    "        if isinstance(node, ast.IfExp):\n"
    "            return evaluate(node.body)\n"
    "        if isinstance(node, ast.Constant):\n",
)
tuples = calculator(
    "tuples-accepted",
    "A tuple or a list with one number in it was taken for that number, or its last "
    "item for the value. It is refused.",
    "        if isinstance(node, ast.Constant):\n",
    "        if isinstance(node, ast.Tuple | ast.List) and node.elts:\n"
    "            return evaluate(node.elts[-1])\n"
    "        if isinstance(node, ast.Constant):\n",
)
bit_operators = calculator(
    "bit-operators-accepted",
    "A bit operator was evaluated. Only + - * / // % and ** are known.",
    "        ast.Pow: operator.pow,\n",
    "        ast.Pow: operator.pow,\n"
    "        ast.BitXor: operator.xor,\n"
    "        ast.BitAnd: operator.and_,\n"
    "        ast.BitOr: operator.or_,\n"
    "        ast.LShift: operator.lshift,\n"
    "        ast.RShift: operator.rshift,\n"
    "        ast.Invert: operator.invert,\n",
)
caret_is_power = calculator(
    "caret-as-power",
    "The sign ^ was taken for a power. In Python it is a bit operator, and is refused.",
    "        ast.Pow: operator.pow,\n",
    "        ast.Pow: operator.pow,\n        ast.BitXor: operator.pow,\n",
)
inverted = calculator(
    "tilde-accepted",
    "The sign ~ was evaluated. Of the unary operators only + and - are known.",
    "        ast.USub: operator.neg,\n",
    "        ast.USub: operator.neg,\n        ast.Invert: operator.invert,\n",
)
walrus = calculator(
    "assignment-accepted",
    "An assignment inside the expression was evaluated. It is refused.",
    "        if isinstance(node, ast.Constant):\n",
    "        if isinstance(node, ast.NamedExpr):\n"
    "            return evaluate(node.value)\n"
    "        if isinstance(node, ast.Constant):\n",
)
statements = calculator(
    "statements-accepted",
    "More than one expression was accepted, and only one of them evaluated. The text is "
    "one expression.",
    'ast.parse(expression, mode="eval").body',
    'ast.parse(expression, mode="exec").body[-1].value',
)
normalised = calculator(
    "other-digits-accepted",
    "Digits of another script, or a typographic sign, were taken for what they look "
    "like. Numbers and operators are those of Python, plain ASCII.",
    'ast.parse(expression, mode="eval")',
    'ast.parse(__import__("unicodedata").normalize("NFKC", expression), mode="eval")',
)
signs_translated = calculator(
    "typographic-signs-accepted",
    "A typographic sign for times, divided by or minus was accepted. The operators are "
    "Python's.",
    'ast.parse(expression, mode="eval")',
    'ast.parse(expression.translate(str.maketrans("×÷−", "*/-")), mode="eval")',
)
nulls_removed = calculator(
    "null-characters-removed",
    "A null character was passed over. It is no part of arithmetic: a ValueError.",
    'ast.parse(expression, mode="eval")',
    'ast.parse(expression.replace("\\0", ""), mode="eval")',
)
floats_only = calculator(
    "integers-become-floats",
    "Integers came back as floats. 2 + 3 is 5, an int, and a large one is exact.",
    "            return within(node.value)\n",
    "            return float(within(node.value))\n",
)
whole_to_int = calculator(
    "whole-floats-become-integers",
    "A whole float came back as an int. / gives a float, and 6 / 3 is 2.0.",
    'return evaluate(ast.parse(expression, mode="eval").body)',
    'value = evaluate(ast.parse(expression, mode="eval").body)\n'
    "        return int(value) if value == int(value) else value",
)
rounded = calculator(
    "result-rounded",
    "The result was rounded. 0.1 + 0.2 is what floats give, to the last digit.",
    'return evaluate(ast.parse(expression, mode="eval").body)',
    'value = evaluate(ast.parse(expression, mode="eval").body)\n'
    "        return round(value, 2) if type(value) is float else value",
)
integer_division = calculator(
    "slash-as-floor-division",
    "The operator / rounded down. It is the true division: 7 / 2 is 3.5.",
    "ast.Div: operator.truediv,",
    "ast.Div: operator.floordiv,",
)
truncated_division = calculator(
    "floor-division-truncates",
    "The operator // cut towards zero. It rounds down: -7 // 2 is -4.",
    "ast.FloorDiv: operator.floordiv,",
    "ast.FloorDiv: lambda a, b: int(a / b),",
)
float_floor = calculator(
    "floor-division-of-floats-as-int",
    "The operator // of a float gave an int. 7.5 // 2 is 3.0, as Python has it.",
    "ast.FloorDiv: operator.floordiv,",
    "ast.FloorDiv: lambda a, b: int(a // b),",
)
fmod = calculator(
    "remainder-with-the-wrong-sign",
    "The operator % took the sign of the left side. In Python it has that of the "
    "right: -7 % 3 is 2.",
    "ast.Mod: operator.mod,",
    "ast.Mod: lambda a, b: type(a % b)(math.fmod(a, b)),",
)
no_floor = calculator(
    "floor-division-missing",
    "The operator // was refused. It is one of the operators.",
    "        ast.FloorDiv: operator.floordiv,\n",
    "",
)
no_mod = calculator(
    "remainder-missing",
    "The operator % was refused. It is one of the operators.",
    "        ast.Mod: operator.mod,\n",
    "",
)
no_pow = calculator(
    "power-missing",
    "The operator ** was refused. It is one of the operators, within its limits.",
    "        ast.Pow: operator.pow,\n",
    "",
)
no_minus = calculator(
    "unary-minus-missing",
    "A minus sign before a number was refused. -5 is an expression, and so is 2 * -3.",
    "        ast.USub: operator.neg,\n",
    "",
)
no_plus = calculator(
    "unary-plus-missing",
    "A plus sign before a number was refused. +5 is an expression.",
    "        ast.UAdd: operator.pos,\n",
    "",
)
plus_is_abs = calculator(
    "unary-plus-as-absolute-value",
    "A plus sign changed a negative number. +-5 is -5.",
    "ast.UAdd: operator.pos,",
    "ast.UAdd: operator.abs,",
)
signs_of_literals = calculator(
    "sign-before-brackets-refused",
    "A sign was accepted before a number only. -(2 + 3) and --5 are expressions too.",
    "if isinstance(node, ast.UnaryOp) and type(node.op) in operators:",
    "if isinstance(node.__dict__.get('operand'), ast.Constant) and "
    "type(node.op) in operators:",
)
swapped = calculator(
    "operands-swapped",
    "The two sides were swapped. 2 - 5 is -3.",
    "left, right = evaluate(node.left), evaluate(node.right)",
    "right, left = evaluate(node.left), evaluate(node.right)",
)
power_of_floats = calculator(
    "power-as-float",
    "A power of integers came back as a float, and is not exact. 2 ** 10 is 1024.",
    "ast.Pow: operator.pow,",
    "ast.Pow: math.pow,",
)
one_operator = calculator(
    "one-operator-only",
    "Only one operator was accepted. Expressions nest: 2 * (3 + 4).",
    "left, right = evaluate(node.left), evaluate(node.right)",
    "left, right = within(node.left.value), within(node.right.value)",
)
spaces_removed = calculator(
    "spaces-removed",
    "White space was removed before parsing: 1 2 became 12. Two numbers side by side "
    "are no expression.",
    'ast.parse(expression, mode="eval")',
    'ast.parse("".join(expression.split()), mode="eval")',
)
empty_is_zero = calculator(
    "empty-text-as-zero",
    "An empty text gave 0. It is no expression: a ValueError.",
    'ast.parse(expression, mode="eval")',
    'ast.parse(expression if expression.strip() else "0", mode="eval")',
)


@mistake(
    "safe_eval",
    "minus-before-power",
    "The sign was taken before the power. In Python the power binds closer: -2 ** 2 is "
    "-4.",
)
def safe_eval_with_signs_first(expression):
    return safe_eval(
        re.sub(r"(?<![\w).])\s*-\s*(\d+) \*\* 2", r"(-\1) ** 2", expression)
    )


@mistake(
    "safe_eval",
    "powers-from-the-left",
    "Powers were taken from the left. They bind from the right: 2 ** 3 ** 2 is 2 ** 9, "
    "512.",
)
def safe_eval_of_powers_from_the_left(expression):
    found = re.fullmatch(r"(\d+) \*\* (\d+) \*\* (\d+)", expression)
    if found:
        expression = "({} ** {}) ** {}".format(*found.groups())
    return safe_eval(expression)


@mistake(
    "safe_eval",
    "exact-fractions-returned",
    "The result is no int and no float, but a number of another class.",
)
def safe_eval_in_fractions(expression):
    value = safe_eval(expression)
    return Fraction(value) if type(value) is float else value


@mistake("safe_eval", "exact-fractions-returned")
def safe_eval_in_decimals(expression):
    value = safe_eval(expression)
    return Decimal(str(value)) if type(value) is float else value


@mistake(
    "safe_eval",
    "text-returned",
    "The result is a text. It is a number.",
)
def safe_eval_as_text(expression):
    return str(safe_eval(expression))


# safe_eval: more of limits, and what comes out

floats_unlimited = calculator(
    "exponent-limited-for-integers-only",
    "",
    "if abs(right) > 1000:",
    "if isinstance(right, int) and abs(right) > 1000:",
)
float_bases_unlimited = calculator(
    "exponent-limited-for-integers-only",
    "",
    "if abs(right) > 1000:",
    "if isinstance(left, int) and abs(right) > 1000:",
)
quotient_of_floats = calculator(
    "integers-divided-as-floats",
    "Both sides of / were made floats before they were divided: long integers lose "
    "digits, or do not fit at all. Python divides them exactly and rounds once.",
    "ast.Div: operator.truediv",
    "ast.Div: lambda left, right: float(left) / float(right)",
)
whole_part_limited = calculator(
    "exponent-rounded-before-compared",
    "An exponent of 1000.5 was let through: it was made whole before it was compared. "
    "It is more than 1,000.",
    "if abs(right) > 1000:",
    "if abs(int(right)) > 1000:",
)
float_exponents_refused = calculator(
    "fractional-exponents-refused",
    "A fraction was refused as an exponent. 9 ** 0.5 is 3.0.",
    "if abs(right) > 1000:",
    "if type(right) is float or abs(right) > 1000:",
)
power_first = calculator(
    "power-computed-before-its-exponent-is-looked-at",
    "The power was computed, and then its exponent was found to be too large. By then "
    "the time and the memory are spent: 9 ** 9 ** 9 takes for ever.",
    "            if isinstance(node.op, ast.Pow):\n",
    "            operators[type(node.op)](left, right)\n"
    "            if isinstance(node.op, ast.Pow):\n",
)
memory_escapes = calculator(
    "memory-error-escapes",
    "Deep nesting raised a MemoryError. Python's parser raises it for a text of less "
    "than 1,000 characters: what is too deep is a ValueError.",
    "except (SyntaxError, ArithmeticError, RecursionError, MemoryError) as error:",
    "except (SyntaxError, ArithmeticError, RecursionError) as error:",
)
length_at_the_ends = calculator(
    "white-space-not-counted",
    "",
    "if len(expression) > 1000:",
    "if len(expression.strip()) > 1000:",
)
literals_free = calculator(
    "infinite-literal-accepted",
    "",
    "            return within(node.value)\n",
    "            if type(node.value) not in (int, float):\n"
    '                raise ValueError("no number")\n'
    "            return node.value\n",
)
commas_removed = calculator(
    "commas-removed",
    "A comma was passed over: 1,000 was taken for a thousand. Python writes it 1_000; "
    "with a comma it is a tuple, and refused.",
    'ast.parse(expression, mode="eval")',
    'ast.parse(expression.replace(",", ""), mode="eval")',
)
first_statement = calculator(
    "statements-accepted",
    "",
    'ast.parse(expression, mode="eval").body',
    'ast.parse(expression, mode="exec").body[0].value',
)
whole_quotients = calculator(
    "slash-gives-an-integer",
    "The operator / gave an int where it goes even. 6 / 3 is 2.0, a float.",
    "ast.Div: operator.truediv,",
    "ast.Div: lambda a, b: a / b if a % b else a // b,",
)
rounded_to_ten = calculator(
    "result-rounded",
    "",
    'return evaluate(ast.parse(expression, mode="eval").body)',
    'value = evaluate(ast.parse(expression, mode="eval").body)\n'
    "        return round(value, 10) if type(value) is float else value",
)
not_accepted = calculator(
    "not-accepted",
    "The word not was evaluated. Of the unary operators only + and - are known.",
    "        ast.USub: operator.neg,\n",
    "        ast.USub: operator.neg,\n        ast.Not: lambda a: int(not a),\n",
)
value_type_error = calculator(
    "another-error",
    "",
    'raise ValueError("not a number within the limits")',
    'raise TypeError("not a number within the limits")',
)
rounded_on_the_way = calculator(
    "result-rounded",
    "",
    "            return within(operators[type(node.op)](left, right))\n",
    "            result = within(operators[type(node.op)](left, right))\n"
    "            return round(result, 10) if type(result) is float else result\n",
)
checked_literals = calculator(
    "only-literals",
    "",
    'return evaluate(ast.parse(expression, mode="eval").body)',
    "return within(ast.literal_eval(expression))",
)
POWER_BITS = "if type(left) is int and (left.bit_length() - 1) * right >= 10_000:"
GUESSED = (
    "A power of at most 10,000 bits was refused: how many it has was guessed, and too "
    "many. (2 ** 99) ** 101 has exactly 10,000."
)
power_guessed = calculator(
    "bits-of-a-power-guessed",
    GUESSED,
    POWER_BITS,
    "if type(left) is int and left.bit_length() * right > 10_000:",
)
power_guessed_with_digits = calculator(
    "bits-of-a-power-guessed",
    "",
    POWER_BITS,
    "if type(left) is int and len(str(abs(left))) * right > 3010:",
)
BINARY = "            return within(operators[type(node.op)](left, right))\n"
SUM_GUESSED = (
    "A sum or product of at most 10,000 bits was refused: how many it has was guessed "
    "from its two sides, and too many. Look at the value itself."
)
sum_guessed = calculator(
    "bits-of-a-sum-or-product-guessed",
    SUM_GUESSED,
    BINARY,
    "            if isinstance(node.op, ast.Add | ast.Sub):\n"
    "                for side in (left, right):\n"
    "                    if type(side) is int and side.bit_length() + 1 > 10_000:\n"
    '                        raise ValueError("too many bits")\n' + BINARY,
)
product_guessed = calculator(
    "bits-of-a-sum-or-product-guessed",
    "",
    BINARY,
    "            if isinstance(node.op, ast.Mult) and type(left) is type(right) is int:\n"
    "                if left.bit_length() + right.bit_length() > 10_000:\n"
    '                    raise ValueError("too many bits")\n' + BINARY,
)
finite_integers = calculator(
    "long-integers-refused",
    "An integer larger than any float, about 1.8e308, was refused. Integers "
    "are exact up to 10,000 bits: only of a float is it asked whether it is finite.",
    "if type(value) is int and value.bit_length() <= 10_000:",
    "if type(value) is int and math.isfinite(value) and value.bit_length() <= 10_000:",
)
READ = 'return evaluate(ast.parse(expression, mode="eval").body)'
DEPTH = """tree = ast.parse(expression, mode="eval").body

        def depth(node):
            return 1 + max(map(depth, ast.iter_child_nodes(node)), default=0)

        if depth(tree) > {most}:
            raise ValueError("too deep")
        return evaluate(tree)"""
SHALLOW = (
    "An expression of 20 levels, or fewer, was refused as too deep. So deep at least "
    "everything has its value."
)
depth_of_5, depth_of_10, depth_of_15 = (
    calculator(
        "nesting-limited-too-low",
        SHALLOW if most == 5 else "",
        READ,
        DEPTH.format(most=most),
    )
    for most in (5, 10, 15)
)
WIDE = (
    "An expression was refused for the number of its parts. It is neither longer than "
    "1,000 characters nor deeper than 20 levels, and has its value."
)
parts_50, parts_100 = (
    calculator(
        "long-expression-refused",
        WIDE if most == 50 else "",
        READ,
        'tree = ast.parse(expression, mode="eval").body\n'
        f"        if sum(1 for _ in ast.walk(tree)) > {most}:\n"
        '            raise ValueError("too long")\n'
        "        return evaluate(tree)",
    )
    for most in (50, 100)
)
CHECKED = (
    "The expression was checked, and then eval or exec computed its value. They are not "
    "allowed, behind a check neither: a hole in the check is then a hole in the house."
)


@mistake("safe_eval", "evaluated-behind-a-check", CHECKED)
def safe_eval_checked_then_evaluated(expression):
    safe_eval(expression)
    return eval(expression)


@mistake("safe_eval", "evaluated-behind-a-check")
def safe_eval_of_listed_characters_checked(expression):
    if not re.fullmatch(r"[-+*/%(). 0-9eE_]*", expression):
        raise ValueError("characters")
    safe_eval(expression)
    return eval(expression)


# A reader of its own, whose ranks and sides can be got wrong

SIGNS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
RANKS = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2}
NUMBERS = (
    r"0[xXoObB]\w+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?|\*\*|//|\S"
)


def calculated(expression, ranks=None, from_right=(), sign_first=False):
    """What a parser makes of it that gives operators other ranks, takes those of
    `from_right` from the right, or a sign before a power in an exponent."""
    safe_eval(expression)  # what is to be refused is
    tokens, place = [*re.findall(NUMBERS, expression), ""], 0
    ranks = {**RANKS, **(ranks or {})}

    def take():
        nonlocal place
        place += 1
        return tokens[place - 1]

    def joined(least):
        left = signed()
        while ranks.get(tokens[place], 0) >= least:
            sign = take()
            side = joined(ranks[sign] + (sign not in from_right))
            left = SIGNS[sign](left, side)
        return left

    def signed():
        if tokens[place] in ("+", "-"):
            return -signed() if take() == "-" else signed()
        return power(atom())

    def power(base):
        if tokens[place] != "**":
            return base
        take()
        if sign_first and tokens[place] == "-":
            take()
            return base ** power(-atom())
        return base ** signed()

    def atom():
        token = take()
        if token != "(":
            return ast.literal_eval(token)
        value = joined(1)
        take()
        return value

    try:
        return joined(1)
    except (ArithmeticError, RecursionError) as error:
        raise ValueError(str(error)) from None


LOOSE = (
    "An operator * / // or % was taken after + and -. All four bind closer: 10 + 7 % 3 "
    "is 11, and 1 + 6 / 2 is 4.0."
)


@mistake("safe_eval", "product-after-sum", LOOSE)
def safe_eval_with_a_late_remainder(expression):
    return calculated(expression, {"%": 1})


@mistake("safe_eval", "product-after-sum")
def safe_eval_with_a_late_quotient(expression):
    return calculated(expression, {"/": 1})


@mistake("safe_eval", "product-after-sum")
def safe_eval_with_a_late_floor_division(expression):
    return calculated(expression, {"//": 1})


@mistake("safe_eval", "product-after-sum")
def safe_eval_with_one_rank(expression):
    return calculated(expression, {"*": 1, "/": 1, "//": 1, "%": 1})


@mistake("safe_eval", "product-after-sum")
def safe_eval_with_late_floors(expression):
    return calculated(expression, {"//": 1, "%": 1})


UNEQUAL = (
    "One of the operators * / // and % was taken before the others. They bind alike, "
    "from the left: 8 / 2 * 4 is 16.0, and 9 % 7 // 2 is 1."
)


@mistake("safe_eval", "products-of-unequal-rank", UNEQUAL)
def safe_eval_with_an_early_product(expression):
    return calculated(expression, {"*": 3})


@mistake("safe_eval", "products-of-unequal-rank")
def safe_eval_with_an_early_remainder(expression):
    return calculated(expression, {"%": 3})


@mistake("safe_eval", "products-of-unequal-rank")
def safe_eval_with_an_early_floor_division(expression):
    return calculated(expression, {"//": 3})


@mistake("safe_eval", "products-of-unequal-rank")
def safe_eval_with_an_early_quotient(expression):
    return calculated(expression, {"/": 3})


@mistake("safe_eval", "products-of-unequal-rank")
def safe_eval_with_products_before_floors(expression):
    return calculated(expression, {"*": 3, "/": 3})


@mistake("safe_eval", "products-of-unequal-rank")
def safe_eval_with_floors_before_products(expression):
    return calculated(expression, {"//": 3, "%": 3})


@mistake(
    "safe_eval",
    "sum-before-difference",
    "The operator + was taken before -, or - before +. They bind alike, from the left: "
    "8 - 3 + 2 is 7.",
)
def safe_eval_with_an_early_sum(expression):
    return calculated(expression, {"+": 1.5})


@mistake("safe_eval", "sum-before-difference")
def safe_eval_with_an_early_difference(expression):
    return calculated(expression, {"-": 1.5})


FROM_RIGHT = (
    "Operators of one rank were taken from the right. Only powers are: 1 - 1 - 1 is -1, "
    "and 7 // 2 % 3 is 0."
)


@mistake("safe_eval", "operators-from-the-right", FROM_RIGHT)
def safe_eval_from_the_right(expression):
    return calculated(expression, from_right=RANKS)


@mistake("safe_eval", "operators-from-the-right")
def safe_eval_of_sums_from_the_right(expression):
    return calculated(expression, from_right="+-")


@mistake("safe_eval", "operators-from-the-right")
def safe_eval_of_differences_from_the_right(expression):
    return calculated(expression, from_right="-")


@mistake("safe_eval", "operators-from-the-right")
def safe_eval_of_products_from_the_right(expression):
    return calculated(expression, from_right=["*", "/", "//", "%"])


@mistake("safe_eval", "operators-from-the-right")
def safe_eval_of_quotients_from_the_right(expression):
    return calculated(expression, from_right=["/"])


@mistake("safe_eval", "operators-from-the-right")
def safe_eval_of_floors_from_the_right(expression):
    return calculated(expression, from_right=["//", "%"])


@mistake(
    "safe_eval",
    "sign-before-a-power-in-an-exponent",
    "In an exponent the sign was taken before the power. It is as it is elsewhere: "
    "2 ** -3 ** 2 is 2 ** -9.",
)
def safe_eval_with_signs_first_in_exponents(expression):
    return calculated(expression, sign_first=True)
