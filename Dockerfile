# The course with all that it uses. Your work stays in the folder that is mounted at /home/learner/lessons:
#   docker build -t ddasp-course .
#   docker run -p 8888:8888 -v "$PWD/lessons:/home/learner/lessons" ddasp-course
FROM python:3.11-slim
RUN useradd --create-home --uid 1000 learner
WORKDIR /opt/ddasp
COPY pyproject.toml constraints.txt README.md LICENSE LICENSE-docs ./
COPY src src
COPY course course
RUN pip install --no-cache-dir --constraint constraints.txt ".[course]"
USER learner
WORKDIR /home/learner
RUN mkdir lessons
VOLUME /home/learner/lessons
EXPOSE 8888
# the notebooks first, so that a newer image brings newer lessons to an older folder
CMD ["sh", "-c", "ddasp course lessons --only-write && exec jupyter lab --ip=0.0.0.0 --no-browser --notebook-dir=lessons"]
